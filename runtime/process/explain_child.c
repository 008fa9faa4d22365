/* SPDX-License-Identifier: Apache-2.0 */
/* execve(2) says "no such file or directory" of a program that is there when what is missing is its interpreter, and
 * "exec format error" of a dozen things. All that is read here is the image's: hostile bytes. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/syscalls.h"

#include "parts.h"

enum { HEAD_SIZE = 4096, HEADERS_MOST = 64 };

/* "#! /bin/sh -e": the first word, without arguments. */
static bool script_interpreter(const char *head, size_t length, char *ret, size_t size)
{
	const char *from = head + 2;
	const char *end = memchr(head, '\n', length);
	size_t n = 0;

	for (end = end ? end : head + length; from < end && (*from == ' ' || *from == '\t');)
		from++;
	while (from + n < end && from[n] && from[n] != ' ' && from[n] != '\t' && n + 1 < size) {
		ret[n] = from[n];
		n++;
	}
	ret[n] = '\0';
	return n > 0;
}

/* PT_INTERP of an ELF file of 64 bits, as far as it is in the head. */
static bool elf_interpreter(const char *head, size_t length, char *ret, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Phdr part;

	if (length < sizeof(header))
		return false;
	memcpy(&header, head, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(part))
		return false;
	for (size_t i = 0; i < header.e_phnum && i < HEADERS_MOST; i++) {
		uint64_t at = header.e_phoff + i * sizeof(part);

		if (header.e_phoff > length || length - header.e_phoff < (i + 1) * sizeof(part))
			return false;
		memcpy(&part, head + at, sizeof(part));
		if (part.p_type != PT_INTERP)
			continue;
		if (part.p_offset > length || length - part.p_offset < part.p_filesz ||
		    part.p_filesz < 2 || part.p_filesz > size)
			return false;
		memcpy(ret, head + part.p_offset, part.p_filesz);
		ret[part.p_filesz - 1] = '\0';
		return true;
	}
	return false;
}

bool process_interpreter(const char *head, size_t length, char *ret, size_t size)
{
	if (length >= 2 && memcmp(head, "#!", 2) == 0)
		return script_interpreter(head, length, ret, size);
	if (length >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return elf_interpreter(head, length, ret, size);
	return false;
}

/* The words behind "exec: ", which the engines know some of. */
static const char *words(int errnum)
{
	if (errnum == ENOENT)
		return "no such file or directory";
	return errnum == EACCES ? "permission denied" : strerrordesc_np(errnum);
}

static bool is_text(const char *head, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (head[i] == '\0')
			return false;
	return length > 0;
}

void process_explain_exec(const char *program, int errnum, struct error *err)
{
	owned_fd file = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[HEAD_SIZE] = {0}, interpreter[256];
	ssize_t n = file < 0 ? -1 : read(file, head, sizeof(head));
	size_t length = n > 0 ? (size_t)n : 0;

	errno = errnum;
	(void)fail_errno(err, program, "exec");
	if (n >= 0 && (errnum == ENOENT || errnum == EACCES) &&
	    process_interpreter(head, length, interpreter, sizeof(interpreter)) &&
	    (sys_faccessat2(AT_FDCWD, interpreter, X_OK, AT_EACCESS) < 0 || errnum == ENOENT))
		(void)fail(err, ERROR_CONFIG, program, "exec: its interpreter %s: %s", interpreter,
		           words(errnum));
	else if (errnum == ENOEXEC && length == 0 && n == 0)
		(void)fail(err, ERROR_CONFIG, program, "exec: %s: the file is empty",
		           words(errnum));
	else if (errnum == ENOEXEC && length >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		(void)fail(err, ERROR_CONFIG, program,
		           "exec: %s: is it of another processor than this machine's?",
		           words(errnum));
	else if (errnum == ENOEXEC && is_text(head, length) && head[0] != '#')
		(void)fail(err, ERROR_CONFIG, program,
		           "exec: %s: it is a text that does not begin with #! and an interpreter",
		           words(errnum));
	err->errnum = errnum;
}
