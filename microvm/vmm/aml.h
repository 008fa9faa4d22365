/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VMM_AML_H
#define MICROVM_VMM_AML_H

/* The little of ACPI's machine language that names devices. What is opened is closed; lengths are filled in then.
 * Spec: ACPI 6.5, 20. */

#include "base/bytes.h"

/* Where the length of what is open goes. */
struct aml_open {
	uint8_t *length;
	size_t from;
};

struct aml_open aml_scope(struct writer *w,
                          const char *name); /* "\_SB_", four letters behind the root */
struct aml_open aml_device(struct writer *w, const char *name); /* "VM00" */
struct aml_open aml_package(struct writer *w, uint8_t elements);
/* A list of resources, closed by aml_close_resources(). */
struct aml_open aml_resources(struct writer *w, uint8_t **ret_size);
void aml_close(struct writer *w, const struct aml_open *open);
void aml_close_resources(struct writer *w, const struct aml_open *open, uint8_t *size);

void aml_name(struct writer *w, const char *name); /* what follows is its value */
void aml_text(struct writer *w, const char *text);
void aml_number(struct writer *w, uint32_t number);
/* Resources. */
void aml_memory(struct writer *w, uint32_t base, uint32_t length);
void aml_interrupt(struct writer *w, uint32_t number); /* edge, active high, nobody else's */

#endif
