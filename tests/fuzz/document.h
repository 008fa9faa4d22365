/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_DOCUMENT_H
#define TESTS_FUZZ_DOCUMENT_H

#include "base/json_read.h"
#include "base/json_write.h"
#include "spec/field.h"

/* Documents as trees, for what fuzzers do with JSON. */

static inline bool document_has_children(const struct json *value)
{
	return value->type == JSON_OBJECT || value->type == JSON_ARRAY;
}

/* The value behind this one in the order of the document, or NULL. */
struct json *document_next(const struct json *value);

void document_write(struct json_writer *w, const struct json *top);

/* libFuzzer's custom mutator and its crossing of two inputs, for a document: a tree is changed here and there and
 * written again, so that one member after the other is tried in a document that is right in all others, where a changed
 * byte would mostly leave no JSON. One time in eight, and where there is no tree, it is bytes all the same.
 *
 * type     what the reader of the document knows of it: values are made by its tables, of any member that it has; NULL
 *          for a reader without tables: values come from the document itself.
 * size     bytes of data, where the new document is written; most: room there.
 * Returns  its length, which may be 0 from document_cross(). */
size_t document_mutate(const struct field_type *type, uint8_t *data, size_t size, size_t most,
                       unsigned int seed);
size_t document_cross(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                      uint8_t *out, size_t most, unsigned int seed);

/* A fuzzer whose input is a document. */
#define DOCUMENT_FUZZER(type)                                                                      \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most,                    \
	                               unsigned int seed);                                         \
	size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size,                      \
	                                 const uint8_t *other, size_t other_size, uint8_t *out,    \
	                                 size_t most, unsigned int seed);                          \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed) \
	{                                                                                          \
		return document_mutate((type), data, size, most, seed);                            \
	}                                                                                          \
	size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size,                      \
	                                 const uint8_t *other, size_t other_size, uint8_t *out,    \
	                                 size_t most, unsigned int seed)                           \
	{                                                                                          \
		return document_cross(one, one_size, other, other_size, out, most, seed);          \
	}

#endif
