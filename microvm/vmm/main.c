/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "program.h"

int main(int argc, char **argv)
{
	uint32_t channel;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && text_to_u32(argv[1], &channel) && channel > 2 && channel < 1 << 20)
		return monitor_main((int)channel);
	if (argc > 2 && strcmp(argv[1], "exec") == 0)
		return stand_main(argc, argv);
	(void)dprintf(STDERR_FILENO,
	              "cella-vmm: is started by cella, with descriptors of its own: see "
	              "cella-microvm(7)\n");
	return 1;
}
