/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_IMAGE_H
#define MICROVM_IMAGE_H

/* microvm/image: the program cella-image, which makes of a distribution's kernel what our monitor
 * boots, once, and keeps it. Whoever wants an image executes the program; what is below is all that
 * is needed to do without it when nothing has changed. No other room calls a function of this one.
 *
 * The cache, a directory (for root /var/lib/cella/images):
 *
 *	NAME/               an image, complete from the moment it is there; it may be replaced, whole
 *	NAME/kernel         ELF64 for x86-64 with the Xen note 18, by which PVH enters it
 *	NAME/initramfs      see below
 *	NAME/image.json     what it is, see below
 *	auto.json           which image answers a call without --kernel
 *	for!boot!vmlinuz-X.json   which answers --kernel /boot/vmlinuz-X: the path, '/' written '!'
 *	.new-XXXXXX         an image that is being made; of a process that has ended, if nobody has it
 *	                    locked (flock(2))
 *	.lock               is held by who makes or removes the above
 *
 * NAME is 64 digits: the SHA-256 of the format, the contents of the kernel's file, of the agent and of the
 * modules with their groups. Directories have mode 0755, files 0644, and all belong to who made
 * them; they are to be used only if they belong to root or to oneself and nobody else may write to
 * them, and if the sizes are those of image.json.
 *
 * image.json:
 *	{ "format": 1,
 *	  "release": "6.1.0-9-cloud-amd64",
 *	  "entry": 17563648,                        physical address, of the note
 *	  "kernel":    {"size": N, "sha256": "…", "packing": "lz4"},      packing: of its source
 *	  "initramfs": {"size": N, "sha256": "…"},
 *	  "sources":   {"kernel": "/boot/vmlinuz-…", "modules": "/lib/modules/…" or null, "agent": "…"},
 *	  "modules":   ["boot 000-virtio.ko", …],   lines of /modules/order
 *	  "missing":   ["virtio_balloon", …] }      modules that this kernel has not, built in neither
 *
 * An answer (auto.json, for!….json):
 *	{ "format": 1,
 *	  "image": "NAME",
 *	  "kernel": null or what --kernel was, "modules": the same of --modules, "agent": a path,
 *	  "sources": [{"path": "/boot/…", "size": N, "inode": N, "mtime": N, "mtime_nsec": N}, …] }
 * It holds as long as it was asked the same (kernel, modules, agent; absolute paths) and each source
 * is as it says, links followed. A source may be a directory: then it is in the list because a newer
 * kernel would show in it; and "size" -1 with zeros behind it says that nothing was there.
 *
 * The initramfs is a cpio of the kind "newc", not compressed, with
 *	/init             the agent
 *	/modules/NNN-NAME.ko    modules, as the kernel takes them; NNN is their order
 *	/modules/order    lines "GROUP FILE", in the order to load them: "boot" is needed by each machine
 *	                  (the transport, the file system, the sockets), the others only where the device
 *	                  they are named after is there: console, net, blk, rng, balloon; overlay is for
 *	                  the file system. A file may be in more than one group: it is loaded once.
 *	/dev /proc /sys /run    empty, but for the nodes /dev/console and /dev/null */

#define IMAGE_FORMAT        1
#define IMAGE_CACHE_DEFAULT "/var/lib/cella/images"
#define IMAGE_AGENT         "cella-agent" /* base/program.h finds it */

#endif
