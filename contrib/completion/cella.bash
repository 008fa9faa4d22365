# SPDX-License-Identifier: Apache-2.0
# bash completion for cella, written by `cella completion bash`: change the tables instead.

_cella_words()
{
	local word

	while read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen "$@" -- "$cur")
}

_cella_files()
{
	compopt -o filenames 2>/dev/null
	_cella_words "$1"
}

_cella()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' options='' operand='' front=() i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root | --log | --log-format | --log-level | --cgroup-manager | --rootless | --executor | --criu)
			((i++))
			;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	front=("${COMP_WORDS[@]:1:i - 1}")

	case "$command $prev" in
	' --root')
		_cella_files -d
		return
		;;
	' --log')
		_cella_files -f
		return
		;;
	' --log-format')
		_cella_words -W 'text json'
		return
		;;
	' --log-level')
		_cella_words -W 'error warning info debug'
		return
		;;
	' --cgroup-manager')
		_cella_words -W 'cgroupfs systemd disabled'
		return
		;;
	' --rootless')
		_cella_words -W 'auto true false'
		return
		;;
	' --executor')
		:
		return
		;;
	' --criu')
		_cella_files -f
		return
		;;
	'create --bundle' | 'create -b')
		_cella_files -d
		return
		;;
	'create --config' | 'create -f')
		_cella_files -f
		return
		;;
	'create --console-socket')
		_cella_files -f
		return
		;;
	'create --pid-file')
		_cella_files -f
		return
		;;
	'create --pidfd-socket')
		_cella_files -f
		return
		;;
	'create --preserve-fds')
		:
		return
		;;
	'run --bundle' | 'run -b')
		_cella_files -d
		return
		;;
	'run --config' | 'run -f')
		_cella_files -f
		return
		;;
	'run --console-socket')
		_cella_files -f
		return
		;;
	'run --pid-file')
		_cella_files -f
		return
		;;
	'run --pidfd-socket')
		_cella_files -f
		return
		;;
	'run --preserve-fds')
		:
		return
		;;
	'exec --process' | 'exec -p')
		_cella_files -f
		return
		;;
	'exec --cwd')
		_cella_files -d
		return
		;;
	'exec --env' | 'exec -e')
		:
		return
		;;
	'exec --user' | 'exec -u')
		:
		return
		;;
	'exec --additional-gids' | 'exec -g')
		:
		return
		;;
	'exec --cap' | 'exec -c')
		:
		return
		;;
	'exec --cgroup')
		_cella_files -f
		return
		;;
	'exec --process-label')
		:
		return
		;;
	'exec --apparmor')
		:
		return
		;;
	'exec --console-socket')
		_cella_files -f
		return
		;;
	'exec --pid-file')
		_cella_files -f
		return
		;;
	'exec --pidfd-socket')
		_cella_files -f
		return
		;;
	'exec --preserve-fds')
		:
		return
		;;
	'list --format' | 'list -f')
		_cella_words -W 'table json'
		return
		;;
	'ps --format' | 'ps -f')
		_cella_words -W 'table json'
		return
		;;
	'top --interval')
		:
		return
		;;
	'top --sort')
		_cella_words -W 'id cpu memory'
		return
		;;
	'events --interval')
		:
		return
		;;
	'update --resources' | 'update -r')
		_cella_files -f
		return
		;;
	'update --memory')
		:
		return
		;;
	'update --memory-swap')
		:
		return
		;;
	'update --memory-reservation')
		:
		return
		;;
	'update --cpu-share')
		:
		return
		;;
	'update --cpu-period')
		:
		return
		;;
	'update --cpu-quota')
		:
		return
		;;
	'update --cpu-burst')
		:
		return
		;;
	'update --cpu-idle')
		:
		return
		;;
	'update --cpuset-cpus')
		:
		return
		;;
	'update --cpuset-mems')
		:
		return
		;;
	'update --pids-limit')
		:
		return
		;;
	'update --l3-cache-schema')
		:
		return
		;;
	'update --mem-bw-schema')
		:
		return
		;;
	'update --blkio-weight')
		:
		return
		;;
	'checkpoint --image-path')
		_cella_files -d
		return
		;;
	'checkpoint --work-path')
		_cella_files -d
		return
		;;
	'checkpoint --manage-cgroups-mode')
		_cella_words -W 'soft full strict ignore'
		return
		;;
	'checkpoint --empty-ns')
		_cella_words -W 'network'
		return
		;;
	'checkpoint --network-lock')
		_cella_words -W 'iptables nftables'
		return
		;;
	'checkpoint --parent-path')
		_cella_files -d
		return
		;;
	'checkpoint --page-server')
		:
		return
		;;
	'checkpoint --status-fd')
		:
		return
		;;
	'restore --image-path')
		_cella_files -d
		return
		;;
	'restore --work-path')
		_cella_files -d
		return
		;;
	'restore --manage-cgroups-mode')
		_cella_words -W 'soft full strict ignore'
		return
		;;
	'restore --empty-ns')
		_cella_words -W 'network'
		return
		;;
	'restore --network-lock')
		_cella_words -W 'iptables nftables'
		return
		;;
	'restore --bundle' | 'restore -b')
		_cella_files -d
		return
		;;
	'restore --console-socket')
		_cella_files -f
		return
		;;
	'restore --pid-file')
		_cella_files -f
		return
		;;
	'restore --lsm-profile')
		:
		return
		;;
	'restore --lsm-mount-context')
		:
		return
		;;
	'spec --bundle' | 'spec -b')
		_cella_files -d
		return
		;;
	'spec --file' | 'spec -f')
		_cella_files -f
		return
		;;
	esac

	case $command in
	'')
		options='--root --log --log-format --log-level --debug --cgroup-manager --systemd-cgroup --rootless --executor --criu -v --version -h --help'
		operand='create start run exec kill delete state list ps top events pause resume update mounts checkpoint restore spec features completion'
		;;
	create)
		options='-b --bundle -f --config --console-socket --pid-file --pidfd-socket --preserve-fds --no-pivot --no-new-keyring --no-subreaper --dry-run -h --help'
		operand=containers
		;;
	start)
		options='-h --help'
		operand=containers
		;;
	run)
		options='-d --detach --keep -b --bundle -f --config --console-socket --pid-file --pidfd-socket --preserve-fds --no-pivot --no-new-keyring --no-subreaper --dry-run -h --help'
		operand=containers
		;;
	exec)
		options='-p --process -t --tty --cwd -e --env -u --user -g --additional-gids -c --cap --no-new-privs --cgroup --process-label --apparmor -d --detach --console-socket --pid-file --pidfd-socket --preserve-fds --ignore-paused -h --help'
		operand=containers
		;;
	kill)
		options='-a --all -r --regex -h --help'
		operand=containers
		;;
	delete)
		options='-f --force -r --regex -h --help'
		operand=containers
		;;
	state)
		options='-h --help'
		operand=containers
		;;
	list)
		options='-q --quiet -f --format -h --help'
		;;
	ps)
		options='-f --format -h --help'
		operand=containers
		;;
	top)
		options='--once --interval --sort --json -h --help'
		;;
	events)
		options='--stats --interval -h --help'
		operand=containers
		;;
	pause)
		options='-h --help'
		operand=containers
		;;
	resume)
		options='-h --help'
		operand=containers
		;;
	update)
		options='-r --resources --memory --memory-swap --memory-reservation --cpu-share --cpu-period --cpu-quota --cpu-burst --cpu-idle --cpuset-cpus --cpuset-mems --pids-limit --l3-cache-schema --mem-bw-schema --blkio-weight -h --help'
		operand=containers
		;;
	mounts)
		options='-h --help'
		;;
	checkpoint)
		options='--image-path --work-path --tcp-established --ext-unix-sk --shell-job --file-locks --link-remap --lazy-pages --auto-dedup --manage-cgroups-mode --empty-ns --network-lock --leave-running --pre-dump --parent-path --tcp-skip-in-flight --page-server --status-fd -h --help'
		operand=containers
		;;
	restore)
		options='--image-path --work-path --tcp-established --ext-unix-sk --shell-job --file-locks --link-remap --lazy-pages --auto-dedup --manage-cgroups-mode --empty-ns --network-lock -b --bundle -d --detach --console-socket --pid-file --tcp-close --lsm-profile --lsm-mount-context --no-pivot --no-subreaper -h --help'
		operand=containers
		;;
	spec)
		options='-b --bundle -f --file --rootless -h --help'
		;;
	features)
		options='-h --help'
		;;
	completion)
		options='-h --help'
		operand=bash
		;;
	esac

	if [[ $cur == -* ]]; then
		_cella_words -W "$options"
	elif [[ $operand == containers ]]; then
		_cella_words -W "$(cella "${front[@]}" list --quiet 2>/dev/null)"
	else
		_cella_words -W "$operand"
	fi
}

complete -F _cella cella
