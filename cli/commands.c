/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

const struct command *const commands[] = {
	&create_command,     &start_command,      &run_command,
	&exec_command,       &kill_command,       &delete_command,
	&state_command,      &list_command,       &ps_command,
	&top_command,        &events_command,     &pause_command,
	&resume_command,     &update_command,     &mounts_command,
	&checkpoint_command, &restore_command,    &spec_command,
	&features_command,   &completion_command, NULL,
};
