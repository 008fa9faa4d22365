/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

const struct word checkpoint_cgroups_words[CHECKPOINT_CGROUPS_WORDS] = {
	{"soft",   CGROUPS_SOFT  },
	{"full",   CGROUPS_FULL  },
	{"strict", CGROUPS_STRICT},
	{"ignore", CGROUPS_IGNORE},
};
