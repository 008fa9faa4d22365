#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cri.py: small CRI v1 client (no crictl, no .proto files): needs only Debian's python3-grpcio.
cri.py HANDLER [no-limits] runs a whole pod life and prints one line per check; it fails when one of them does.
no-limits: on a host without a memory controller.
Messages are plain dicts; the field numbers stand in SCHEMA (name: (number, kind))."""
import base64, json, os, socket, struct, sys, time
import grpc

# kinds: s string/bytes, i int, b bool, m:NAME message, trailing * repeated, map string map
SCHEMA = {
 'Meta': dict(name=(1,'s'), uid=(2,'s'), namespace=(3,'s'), attempt=(4,'i')),
 'SecProfile': dict(profile_type=(1,'i'), localhost_ref=(2,'s')),
 'Int64': dict(value=(1,'i')),
 'NsOpt': dict(network=(1,'i'), pid=(2,'i'), ipc=(3,'i'), target_id=(4,'s')),
 'PodSec': dict(namespace_options=(1,'m:NsOpt'), run_as_user=(3,'m:Int64'), readonly_rootfs=(4,'b'), supplemental_groups=(5,'i*'), privileged=(6,'b'), seccomp=(9,'m:SecProfile')),
 'LinuxRes': dict(cpu_period=(1,'i'), cpu_quota=(2,'i'), cpu_shares=(3,'i'), memory_limit_in_bytes=(4,'i'), oom_score_adj=(5,'i'), cpuset_cpus=(6,'s'), cpuset_mems=(7,'s'), unified=(9,'map'), memory_swap_limit_in_bytes=(10,'i')),
 'LinuxPod': dict(cgroup_parent=(1,'s'), security_context=(2,'m:PodSec'), sysctls=(3,'map'), overhead=(4,'m:LinuxRes'), resources=(5,'m:LinuxRes')),
 'Dns': dict(servers=(1,'s*'), searches=(2,'s*'), options=(3,'s*')),
 'Port': dict(protocol=(1,'i'), container_port=(2,'i'), host_port=(3,'i'), host_ip=(4,'s')),
 'PodConfig': dict(metadata=(1,'m:Meta'), hostname=(2,'s'), log_directory=(3,'s'), dns_config=(4,'m:Dns'), port_mappings=(5,'m:Port*'), labels=(6,'map'), annotations=(7,'map'), linux=(8,'m:LinuxPod')),
 'Image': dict(image=(1,'s'), annotations=(2,'map')),
 'KV': dict(key=(1,'s'), value=(2,'s')),
 'Mount': dict(container_path=(1,'s'), host_path=(2,'s'), readonly=(3,'b'), selinux_relabel=(4,'b'), propagation=(5,'i')),
 'Device': dict(container_path=(1,'s'), host_path=(2,'s'), permissions=(3,'s')),
 'Caps': dict(add_capabilities=(1,'s*'), drop_capabilities=(2,'s*'), add_ambient_capabilities=(3,'s*')),
 'CtrSec': dict(capabilities=(1,'m:Caps'), privileged=(2,'b'), namespace_options=(3,'m:NsOpt'), run_as_user=(5,'m:Int64'), run_as_username=(6,'s'), readonly_rootfs=(7,'b'), supplemental_groups=(8,'i*'), no_new_privs=(11,'b'), run_as_group=(12,'m:Int64'), masked_paths=(13,'s*'), readonly_paths=(14,'s*'), seccomp=(15,'m:SecProfile'), apparmor=(16,'m:SecProfile')),
 'LinuxCtr': dict(resources=(1,'m:LinuxRes'), security_context=(2,'m:CtrSec')),
 'CtrMeta': dict(name=(1,'s'), attempt=(2,'i')),
 'CtrConfig': dict(metadata=(1,'m:CtrMeta'), image=(2,'m:Image'), command=(3,'s*'), args=(4,'s*'), working_dir=(5,'s'), envs=(6,'m:KV*'), mounts=(7,'m:Mount*'), devices=(8,'m:Device*'), labels=(9,'map'), annotations=(10,'map'), log_path=(11,'s'), stdin=(12,'b'), stdin_once=(13,'b'), tty=(14,'b'), linux=(15,'m:LinuxCtr')),
 'RunPodSandboxRequest': dict(config=(1,'m:PodConfig'), runtime_handler=(2,'s')),
 'PodId': dict(pod_sandbox_id=(1,'s'), verbose=(2,'b')),
 'CreateContainerRequest': dict(pod_sandbox_id=(1,'s'), config=(2,'m:CtrConfig'), sandbox_config=(3,'m:PodConfig')),
 'CtrId': dict(container_id=(1,'s'), timeout=(2,'i')),
 'CtrIdV': dict(container_id=(1,'s'), verbose=(2,'b')),
 'CheckpointReq': dict(container_id=(1,'s'), location=(2,'s'), timeout=(3,'i')),
 'ExecSyncRequest': dict(container_id=(1,'s'), cmd=(2,'s*'), timeout=(3,'i')),
 'ExecSyncResponse': dict(stdout=(1,'s'), stderr=(2,'s'), exit_code=(3,'i')),
 'ExecRequest': dict(container_id=(1,'s'), cmd=(2,'s*'), tty=(3,'b'), stdin=(4,'b'), stdout=(5,'b'), stderr=(6,'b')),
 'AttachRequest': dict(container_id=(1,'s'), stdin=(2,'b'), tty=(3,'b'), stdout=(4,'b'), stderr=(5,'b')),
 'Url': dict(url=(1,'s')),
 'UpdateReq': dict(container_id=(1,'s'), linux=(2,'m:LinuxRes')),
 'IdResp1': dict(id=(1,'s')),
 'NetStatus': dict(ip=(1,'s')),
 'PodStatus': dict(id=(1,'s'), metadata=(2,'m:Meta'), state=(3,'i'), created_at=(4,'i'), network=(5,'m:NetStatus'), runtime_handler=(9,'s')),
 'PodStatusResp': dict(status=(1,'m:PodStatus'), info=(2,'map')),
 'CtrStatus': dict(id=(1,'s'), state=(3,'i'), created_at=(4,'i'), started_at=(5,'i'), finished_at=(6,'i'), exit_code=(7,'i'), reason=(10,'s'), message=(11,'s')),
 'CtrStatusResp': dict(status=(1,'m:CtrStatus'), info=(2,'map')),
 'U64': dict(value=(1,'i')),
 'Cpu': dict(timestamp=(1,'i'), usage_core_nano_seconds=(2,'m:U64')),
 'Mem': dict(timestamp=(1,'i'), working_set_bytes=(2,'m:U64'), usage_bytes=(4,'m:U64'), rss_bytes=(5,'m:U64')),
 'Stats': dict(cpu=(2,'m:Cpu'), memory=(3,'m:Mem')),
 'StatsResp': dict(stats=(1,'m:Stats')),
 'Cond': dict(type=(1,'s'), status=(2,'b'), reason=(3,'s'), message=(4,'s')),
 'Conds': dict(conditions=(1,'m:Cond*')),
 'StatusReq': dict(verbose=(1,'b')),
 'StatusResp': dict(status=(1,'m:Conds'), info=(2,'map')),
 'Version': dict(version=(1,'s'), runtime_name=(2,'s'), runtime_version=(3,'s'), runtime_api_version=(4,'s')),
 'Pod': dict(id=(1,'s'), metadata=(2,'m:Meta'), state=(3,'i')),
 'PodList': dict(items=(1,'m:Pod*')),
 'Ctr': dict(id=(1,'s'), pod_sandbox_id=(2,'s'), state=(6,'i')),
 'CtrList': dict(containers=(1,'m:Ctr*')),
 'Img': dict(id=(1,'s'), repo_tags=(2,'s*')),
 'ImgList': dict(images=(1,'m:Img*')),
 'Empty': {},
}
METHODS = {  # method: (request, response)
 'Version':('Empty','Version'), 'Status':('StatusReq','StatusResp'), 'RunPodSandbox':('RunPodSandboxRequest','IdResp1'),
 'StopPodSandbox':('PodId','Empty'), 'RemovePodSandbox':('PodId','Empty'), 'PodSandboxStatus':('PodId','PodStatusResp'),
 'ListPodSandbox':('Empty','PodList'), 'CreateContainer':('CreateContainerRequest','IdResp1'), 'StartContainer':('CtrId','Empty'),
 'StopContainer':('CtrId','Empty'), 'RemoveContainer':('CtrId','Empty'), 'ContainerStatus':('CtrIdV','CtrStatusResp'),
 'ListContainers':('Empty','CtrList'), 'ExecSync':('ExecSyncRequest','ExecSyncResponse'), 'Exec':('ExecRequest','Url'),
 'Attach':('AttachRequest','Url'), 'ContainerStats':('CtrId','StatsResp'), 'UpdateContainerResources':('UpdateReq','Empty'),
 'ReopenContainerLog':('CtrId','Empty'), 'CheckpointContainer':('CheckpointReq','Empty'), 'ListImages':('Empty','ImgList'),
}

# ---- protobuf: varints, and fields that are numbers or bytes ----

def varint(n):
    n &= (1 << 64) - 1
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def read_varint(buf, at):
    n = shift = 0
    while True:
        n |= (buf[at] & 127) << shift
        shift += 7
        at += 1
        if not buf[at - 1] & 128:
            return n, at


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def one(number, kind, value):
    if kind in ('i', 'b'):
        return varint(number << 3) + varint(int(value))
    if kind == 's':
        return field(number, value if isinstance(value, bytes) else value.encode())
    return field(number, enc(kind[2:], value))


def enc(name, members):
    out = b''
    for key, value in members.items():
        number, kind = SCHEMA[name][key]
        if kind == 'map':
            out += b''.join(field(number, field(1, k.encode()) + field(2, v.encode())) for k, v in value.items())
        elif kind.endswith('*'):
            out += b''.join(one(number, kind[:-1], v) for v in value)
        elif value or kind.startswith('m:'):
            out += one(number, kind, value)
    return out


def value_of(kind, raw):
    if kind == 'b':
        return bool(raw)
    if kind == 'i':
        return raw - (1 << 64) if raw >> 63 else raw
    if kind == 's':
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw
    return dec(kind[2:], raw)


def dec(name, buf):
    empty = {'i': 0, 'b': False, 's': ''}
    out = {k: {} if kind == 'map' else [] if kind.endswith('*') else empty.get(kind) for k, (_, kind) in SCHEMA[name].items()}
    by_number = {number: (k, kind) for k, (number, kind) in SCHEMA[name].items()}
    at = 0
    while at < len(buf):
        tag, at = read_varint(buf, at)
        if tag & 7 == 0:
            raw, at = read_varint(buf, at)
        elif tag & 7 == 2:
            length, at = read_varint(buf, at)
            raw, at = buf[at:at + length], at + length
        else:
            size = 8 if tag & 7 == 1 else 4
            raw, at = buf[at:at + size], at + size
        key, kind = by_number.get(tag >> 3, (None, None))
        if key is None:
            continue
        if kind == 'map':
            pair = dec('KV', raw)
            out[key][pair['key']] = pair['value']
        elif kind.endswith('*'):
            out[key].append(value_of(kind[:-1], raw))
        else:
            out[key] = value_of(kind, raw)
    return out


class Cri:
    def __init__(self, sock='/run/containerd/containerd.sock'):
        self.ch = grpc.insecure_channel('unix://' + sock)
    def call(self, method, _timeout=60, **req):
        rq, rs = METHODS[method]
        svc = 'ImageService' if 'Image' in method else 'RuntimeService'
        f = self.ch.unary_unary(f'/runtime.v1.{svc}/{method}')
        return dec(rs, f(enc(rq, req), timeout=_timeout))

class WebSocket:
    """client side of the streaming server's v4.channel.k8s.io (exec and attach)"""
    def __init__(self, url):
        host, _, path = url.split('://', 1)[1].partition('/')
        h, _, p = host.rpartition(':')
        self.s = socket.create_connection((h.strip('[]'), int(p)), 10)
        self.s.sendall((f'GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://{host}\r\n'
            f'Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n').encode())
        self.buf = b''
        while b'\r\n\r\n' not in self.buf: 
            d = self.s.recv(4096)
            if not d: raise IOError(self.buf)
            self.buf += d
        head, self.buf = self.buf.split(b'\r\n\r\n', 1)
        if b' 101 ' not in head.split(b'\r\n')[0]: raise IOError(head + self.buf)
    def send(self, channel, data):
        data = bytes([channel]) + data; mask = os.urandom(4)
        n = len(data); hdr = b'\x82' + (bytes([0x80 | n]) if n < 126 else b'\xfe' + struct.pack('>H', n))
        self.s.sendall(hdr + mask + bytes(c ^ mask[i & 3] for i, c in enumerate(data)))
    def _need(self, n):
        while len(self.buf) < n:
            d = self.s.recv(65536)
            if not d: raise EOFError
            self.buf += d
    def recv(self):
        self._need(2); op, n = self.buf[0] & 15, self.buf[1] & 127; o = 2
        if n == 126: self._need(4); n = struct.unpack('>H', self.buf[2:4])[0]; o = 4
        elif n == 127: self._need(10); n = struct.unpack('>Q', self.buf[2:10])[0]; o = 10
        self._need(o + n); d = self.buf[o:o+n]; self.buf = self.buf[o+n:]
        if op == 8: raise EOFError
        return (d[0], d[1:]) if d else (None, b'')
    def all(self, timeout=10, until=None):
        out = {}
        self.s.settimeout(timeout)
        try:
            while True:
                c, d = self.recv()
                if c is not None: out[c] = out.get(c, b'') + d
                if until and until in b''.join(out.values()): break
        except (EOFError, socket.timeout, ConnectionError): pass
        return out

def scenario(sock, handler, image, limits):
    c = Cri(sock); fails = 0; n = 0
    def check(name, ok, note=''):
        nonlocal fails, n; n += 1; fails += not ok
        print(f"{'ok' if ok else 'not ok'} {n} {name}" + (f' # {str(note)[:300]}' if note != '' else ''), flush=True)
    def attempt(name, f):
        try:
            r = f(); check(name, True if r is None or isinstance(r, dict) else bool(r)); return r
        except grpc.RpcError as e: check(name, False, e.details())
        except Exception as e: check(name, False, repr(e))
    logs = f'/run/cri-logs-{os.getpid()}'; os.makedirs(logs, exist_ok=True)
    v = c.call('Version'); check('Version', v['runtime_name'] == 'containerd', v)
    st = c.call('Status'); check('Status', st['status']['conditions'][0]['status'], [(x['type'], x['status'], x['reason']) for x in st['status']['conditions']])
    net = int(os.environ.get('POD_NET', '2'))            # 0 own (CNI), 2 node
    pod = dict(metadata=dict(name='p', uid='u1', namespace='default'), hostname='podhost' if net == 0 else '', log_directory=logs, labels={'app': 'x'}, annotations={'pod.note': '1'},
        linux=dict(cgroup_parent='/engines/kubepods', security_context=dict(namespace_options=dict(network=net), privileged=True), sysctls={} if net == 2 else {'net.ipv4.ip_unprivileged_port_start': '0'}))
    r = attempt('RunPodSandbox ' + handler, lambda: c.call('RunPodSandbox', config=pod, runtime_handler=handler))
    if not r: return 1
    pid = r['id']
    s = c.call('PodSandboxStatus', pod_sandbox_id=pid, verbose=True); check('PodSandboxStatus ready', s['status']['state'] == 0, s['status'])
    def ctr(name, cmd, **kw):
        lin = kw.pop('linux', {})
        cfg = dict(metadata=dict(name=name), image=dict(image=image), command=cmd, log_path=name + '.log', linux=lin); cfg.update(kw)
        return c.call('CreateContainer', pod_sandbox_id=pid, config=cfg, sandbox_config=pod)['id']
    a = attempt('CreateContainer', lambda: dict(id=ctr('a', ['sh', '-c', 'echo out; echo err >&2; trap "exit 3" TERM; while :; do sleep .1; done'], envs=[dict(key='K', value='V')],
        mounts=[dict(container_path='/host', host_path='/etc', readonly=True)], annotations={'a.b': 'c'},
        linux=dict(resources=dict(cpu_period=100000, cpu_quota=50000, cpu_shares=512, memory_limit_in_bytes=64 << 20, oom_score_adj=500),
                   security_context=dict(capabilities=dict(add_capabilities=['NET_ADMIN'], drop_capabilities=['CHOWN']), run_as_user=dict(value=1000), run_as_group=dict(value=1000), supplemental_groups=[2000], no_new_privs=True, seccomp=dict(profile_type=0),
                        masked_paths=['/proc/kcore'], readonly_paths=['/proc/sys'])))))
    if not a: return 1
    a = a['id']
    attempt('StartContainer', lambda: c.call('StartContainer', container_id=a)); time.sleep(.3)
    check('ContainerStatus running', c.call('ContainerStatus', container_id=a)['status']['state'] == 1)
    r = attempt('ExecSync', lambda: c.call('ExecSync', container_id=a, cmd=['sh', '-c', 'id; echo $K; cat /proc/self/cgroup | head -3; exit 5'], timeout=5))
    if r: check('ExecSync exit code and output', r['exit_code'] == 5 and 'uid=1000' in r['stdout'] and 'V' in r['stdout'], r)
    try: c.call('ExecSync', container_id=a, cmd=['sleep', '10'], timeout=1); check('ExecSync timeout', False)
    except grpc.RpcError as e: check('ExecSync timeout', e.code() == grpc.StatusCode.DEADLINE_EXCEEDED or 'timeout' in e.details(), e.details())
    try: c.call('ExecSync', container_id=a, cmd=['/nonexistent'], timeout=2); check('ExecSync of a missing file fails', False)
    except grpc.RpcError as e: check('ExecSync of a missing file fails', True, e.details())
    def ex():
        w = WebSocket(c.call('Exec', container_id=a, cmd=['sh', '-c', 'read x; echo got $x; echo e >&2; exit 4'], stdin=True, stdout=True, stderr=True)['url'])
        w.send(0, b'hello\n'); return w.all()
    try: o = ex(); check('Exec stream', o.get(1) == b'got hello\n' and o.get(2) == b'e\n' and b'"4"' in o.get(3, b''), o)
    except Exception as e: check('Exec stream', False, repr(e))
    def exty():
        w = WebSocket(c.call('Exec', container_id=a, cmd=['sh', '-c', 'sleep .5; stty -a | head -1; tty; read x; echo [$x]'], stdin=True, stdout=True, tty=True)['url'])
        w.send(4, json.dumps(dict(Width=97, Height=31)).encode()); time.sleep(.2); w.send(0, b'hey\n'); return w.all()
    try: o = exty(); check('Exec stream with a terminal, resized', b'[hey]' in o.get(1, b'') and b'31' in o.get(1, b'') and b'97' in o.get(1, b''), o)
    except Exception as e: check('Exec stream with a terminal', False, repr(e))
    st = attempt('ContainerStats', lambda: c.call('ContainerStats', container_id=a))
    if st and limits: check('ContainerStats values', (st['stats']['cpu'] or {}).get('usage_core_nano_seconds') and (st['stats']['memory'] or {}).get('working_set_bytes'), st['stats'])
    if limits: attempt('UpdateContainerResources', lambda: c.call('UpdateContainerResources', container_id=a, linux=dict(cpu_period=100000, cpu_quota=25000, memory_limit_in_bytes=48 << 20)))
    attempt('ReopenContainerLog', lambda: c.call('ReopenContainerLog', container_id=a))
    attempt('StopContainer', lambda: c.call('StopContainer', container_id=a, timeout=3))
    s = c.call('ContainerStatus', container_id=a)['status']; check('exit code of a stopped container', s['state'] == 2 and s['exit_code'] == 3, s)
    log = open(logs + '/a.log').read(); check('log', ' stdout F out' in log and ' stderr F err' in log, log)
    t = attempt('CreateContainer tty+stdin', lambda: dict(id=ctr('t', ['sh'], tty=True, stdin=True)))
    if t:
        t = t['id']; attempt('StartContainer tty', lambda: c.call('StartContainer', container_id=t))
        try:
            w = WebSocket(c.call('Attach', container_id=t, stdin=True, stdout=True, tty=True)['url'])
            w.send(0, b'echo at-$((40+2))\n'); o = w.all(3, until=b'at-42'); check('Attach', b'at-42' in o.get(1, b''), o); w.s.close()
        except Exception as e: check('Attach', False, repr(e))
    m = limits and attempt('CreateContainer that runs out of memory', lambda: dict(id=ctr('oom', ['sh', '-c', 'sleep .5; exec dd if=/dev/zero of=/dev/null bs=64M count=1'], linux=dict(resources=dict(memory_limit_in_bytes=8 << 20)))))
    if m:
        m = m['id']; attempt('StartContainer oom', lambda: c.call('StartContainer', container_id=m))
        for _ in range(60):
            s = c.call('ContainerStatus', container_id=m)['status']
            if s['state'] == 2: break
            time.sleep(.1)
        check('reason OOMKilled', s['reason'] == 'OOMKilled' and s['exit_code'] == 137, s)
    e = attempt('CreateContainer bad command', lambda: dict(id=ctr('bad', ['/nonexistent'])))
    if e:
        try: c.call('StartContainer', container_id=e['id']); check('StartContainer of a missing file fails', False)
        except grpc.RpcError as x: check('StartContainer of a missing file fails', 'no such file' in x.details() or 'not found' in x.details(), x.details())
    p = attempt('CreateContainer privileged, host pid', lambda: dict(id=ctr('priv', ['sleep', '100'], linux=dict(security_context=dict(privileged=True, namespace_options=dict(network=net, pid=2))))))
    if p: attempt('StartContainer privileged', lambda: c.call('StartContainer', container_id=p['id']))
    for x in c.call('ListContainers')['containers']:
        attempt('RemoveContainer ' + x['id'][:8], lambda: c.call('RemoveContainer', container_id=x['id']))
    attempt('StopPodSandbox', lambda: c.call('StopPodSandbox', pod_sandbox_id=pid))
    attempt('RemovePodSandbox', lambda: c.call('RemovePodSandbox', pod_sandbox_id=pid))
    check('nothing left', not c.call('ListPodSandbox')['items'] and not c.call('ListContainers')['containers'])
    print(f'{n - fails} passed, {fails} failed')
    return fails != 0

if __name__ == '__main__':
    sys.exit(scenario('/run/containerd/containerd.sock', sys.argv[1], 'docker.io/library/busybox:latest', sys.argv[2:] != ['no-limits']))
