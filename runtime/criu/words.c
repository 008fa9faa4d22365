/* SPDX-License-Identifier: Apache-2.0 */
/* Words to a message. Which members there are is not written here: the library describes its messages, so a newer CRIU
 * brings its newer names along, and an older one refuses what it doesn't know. */
#include <string.h>

#include "base/text.h"

#include "parts.h"

static const char opening[] = "{", closing[] = "}";

struct reader {
	char *const *words; /* what is not read yet */
	struct arena *arena;
};

static int read_object(struct reader *r, ProtobufCMessage *message, bool inner, struct error *err);

static int refuse(const ProtobufCFieldDescriptor *field, const char *value, struct error *err)
{
	return fail(err, ERROR_USAGE, field->name, "'%.100s' is no value for it", value);
}

static int read_enum(const ProtobufCFieldDescriptor *field, const char *value, void *to,
                     struct error *err)
{
	const ProtobufCEnumDescriptor *names = field->descriptor;
	const ProtobufCEnumValue *found =
		protobuf_c_enum_descriptor_get_value_by_name(names, value);
	int number;

	if (!found)
		return refuse(field, value, err);
	number = found->value;
	memcpy(to, &number, sizeof(number));
	return 0;
}

static int read_number(const ProtobufCFieldDescriptor *field, const char *value, void *to,
                       struct error *err)
{
	bool is_signed = field->type == PROTOBUF_C_TYPE_INT32;
	int64_t number = 0;
	int32_t narrow;

	if (!text_to_i64(value, &number) || number > (is_signed ? INT32_MAX : UINT32_MAX) ||
	    number < (is_signed ? INT32_MIN : 0))
		return refuse(field, value, err);
	narrow = (int32_t)number;
	memcpy(to, &narrow, sizeof(narrow));
	return 0;
}

static int read_bool(const ProtobufCFieldDescriptor *field, const char *value, void *to,
                     struct error *err)
{
	protobuf_c_boolean truth = strcmp(value, "true") == 0;

	if (!truth && strcmp(value, "false") != 0)
		return refuse(field, value, err);
	memcpy(to, &truth, sizeof(truth));
	return 0;
}

static int read_message(struct reader *r, const ProtobufCFieldDescriptor *field, void *to,
                        struct error *err)
{
	const ProtobufCMessageDescriptor *type = field->descriptor;
	ProtobufCMessage *message = arena_alloc(r->arena, 1, type->sizeof_message);

	if (!message)
		return arena_check(r->arena, err);
	protobuf_c_message_init(type, message);
	if (read_object(r, message, true, err) < 0)
		return error_within(err, "%s", field->name);
	*(ProtobufCMessage **)to = message;
	return 0;
}

static int read_value(struct reader *r, const ProtobufCFieldDescriptor *field, void *to,
                      struct error *err)
{
	const char *value = *r->words++;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		memcpy(to, &value, sizeof(value));
		return 0;
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(field, value, to, err);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
		return read_number(field, value, to, err);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(field, value, to, err);
	case PROTOBUF_C_TYPE_MESSAGE:
		if (strcmp(value, opening) != 0)
			return refuse(field, value, err);
		return read_message(r, field, to, err);
	default:
		return fail(err, ERROR_UNSUPPORTED, field->name,
		            "is of a type that cella-criu does not know");
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	default:
		return sizeof(int32_t);
	}
}

/* One more of what may be repeated: an array anew, with room for it. */
static void *add(struct reader *r, const ProtobufCFieldDescriptor *field, char *message)
{
	size_t *count = (size_t *)(void *)(message + field->quantifier_offset);
	void **array = (void **)(void *)(message + field->offset);
	size_t size = size_of(field);
	char *more = arena_alloc(r->arena, *count + 1, size);

	if (!more)
		return NULL;
	if (*count)
		memcpy(more, *array, *count * size);
	*array = more;
	return more + (*count)++ * size;
}

/* Where the value goes; an optional number is marked as given. */
static void *place(struct reader *r, const ProtobufCFieldDescriptor *field, char *message)
{
	bool is_pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return add(r, field, message);
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer)
		*(protobuf_c_boolean *)(void *)(message + field->quantifier_offset) = true;
	return message + field->offset;
}

static int read_object(struct reader *r, ProtobufCMessage *message, bool inner, struct error *err)
{
	while (*r->words && !(inner && strcmp(*r->words, closing) == 0)) {
		const char *name = *r->words++;
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
		void *to;

		if (!field)
			return fail(err, ERROR_UNSUPPORTED, name,
			            "this CRIU's library does not know it");
		if (!*r->words)
			return fail(err, ERROR_USAGE, name, "a value is missing");
		to = place(r, field, (char *)message);
		if (!to)
			return arena_check(r->arena, err);
		if (read_value(r, field, to, err) < 0)
			return -1;
	}
	if (inner && !*r->words++)
		return fail(err, ERROR_USAGE, closing, "is missing");
	return 0;
}

int members_read(char *const *words, struct arena *arena, ProtobufCMessage *message,
                 struct error *err)
{
	struct reader r = {.words = words, .arena = arena};

	return read_object(&r, message, false, err);
}
