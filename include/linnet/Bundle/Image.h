/*===- Image.h - layout of a linked code image ----------------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * An image is a complete ELF64 file for x86-64 that needs no relocation: it can be
 * mapped anywhere. objdump, gdb and perf read it like any shared object.
 *
 *   byte 0    Elf64_Ehdr, e_phoff 64, e_phnum 2 or 3
 *   byte 64   Elf64_Phdr: PT_LOAD R    offset 0, vaddr 0
 *             Elf64_Phdr: PT_LOAD R+X  offset = vaddr, a multiple of 4096, behind the first
 *             Elf64_Phdr: PT_GNU_STACK, optional
 *   byte LNT_IMAGE_TABLE          lnt_image_table, in the R segment
 *             names (NUL-terminated) and read-only data, in the R segment
 *             code, in the R+X segment; section headers and .symtab behind it, not mapped
 *
 * Entry i of the table is kernel i of the bundle. Both segments have filesz = memsz.
 *===----------------------------------------------------------------------===*/
#ifndef LINNET_BUNDLE_IMAGE_H
#define LINNET_BUNDLE_IMAGE_H

#include <stdint.h>

/* Behind the file header and room for three program headers: 64 + 3 * 56. */
#define LNT_IMAGE_TABLE 232
#define LNT_IMAGE_MAGIC 0x43544e4cu /* "LNTC" */

typedef struct lnt_image_entry {
  uint32_t name; /* offset of the kernel's name from the start of the image */
  uint32_t code; /* offset of its first instruction, a multiple of 16 */
} lnt_image_entry;

typedef struct lnt_image_table {
  uint32_t magic;
  uint32_t count;
  lnt_image_entry entries[1]; /* count of them */
} lnt_image_table;

#endif /* LINNET_BUNDLE_IMAGE_H */
