/*===- GPUKernelABI.h - what the runtime and a GPU kernel agree on ---*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * The code generator and the runtime both include this file; nothing else knows
 * the layout. A change here raises LNT_GPU_KERNEL_ABI_VERSION.
 *===----------------------------------------------------------------------===*/
#ifndef LINNET_BUNDLE_GPUKERNELABI_H
#define LINNET_BUNDLE_GPUKERNELABI_H

#define LNT_GPU_KERNEL_ABI_VERSION 2

/* A kernel is an entry point of one module (SPIR-V, PTX or cubin) with one-dimensional
 * workgroups of a size that the kernel fixes. A launch has as many workgroups as its launch
 * region says chunks. They form a grid of min(chunks, LNT_GPU_GRID_WIDTH) by as many rows as it
 * takes: group = x + y * LNT_GPU_GRID_WIDTH, and a group >= chunks does nothing.
 *
 * Buffers, in this order (bindings 0, 1, ... of descriptor set 0; pointers on CUDA):
 *   1. those of KernelABI.h: the tensor arguments, then the results that no argument is tied to,
 *      contiguous and row-major; i1 is stored as bytes;
 *   2. where the launch region asks for scratch: that many bytes, for the launch as a whole,
 *      of unspecified content;
 *   3. where the kernel can fault: the fault words, one u32 per fault site of the program, all
 *      ones before the call. A kernel writes the position of the first bad element by an
 *      unsigned atomic minimum into word (first site + site within the kernel); the runtime
 *      reports the lowest site that has one;
 *   4. on Vulkan only, where there are more than LNT_GPU_PUSH_WORDS words: the words themselves.
 *
 * Words, 32 bits each, in this order (push constants on Vulkan where they fit, arguments of type
 * u32 on CUDA):
 *   1. chunks;
 *   2. for every buffer of 1. and 2. above: the element (of the buffer's stored type; words for
 *      scratch) at which it starts in its binding. Bindings begin at multiples of
 *      LNT_GPU_BINDING_ALIGNMENT bytes and of what the device asks for, on CUDA too: its pointers
 *      are rounded down likewise. Kernels go by these words where they access 16 bytes at once;
 *   3. the scalars of KernelABI.h: sizes and values of type index as one word, or two where
 *      positions have 64 bits, other scalars as their bits, low word first, two words for types of
 *      64 bits; the first fault site comes last.
 *
 * Scratch starts at a multiple of LNT_GPU_BINDING_ALIGNMENT.
 *
 * Workgroup memory of up to LNT_GPU_STATIC_SHARED bytes is part of the code. On CUDA a kernel with
 * more has none of its own: the launch gives it all of it.
 *
 * Positions have 32 bits and buffers below 2^31 elements. Beyond that the runtime launches the
 * kernel's variant with positions of 64 bits, or refuses where neither is there; a fault beyond
 * position 2^32 - 2 is reported there. */
#define LNT_GPU_NARROW_ELEMENTS 0x7fffffff
/* Bindings begin by fewer bytes than this in front of a tensor. */
#define LNT_GPU_MOST_BEFORE 256
#define LNT_GPU_GRID_WIDTH 65535u
#define LNT_GPU_PUSH_WORDS 32u
#define LNT_GPU_NO_FAULT 0xffffffffu
#define LNT_GPU_BINDING_ALIGNMENT 16u
#define LNT_GPU_STATIC_SHARED 49152u

/* What a kernel needs of a device beyond 32-bit arithmetic: types that it computes with, types
 * that it keeps in buffers, and the exchange of values within a subgroup. CUDA has all of them. */
#define LNT_GPU_NEEDS_INT8 0x1u
#define LNT_GPU_NEEDS_INT16 0x2u
#define LNT_GPU_NEEDS_INT64 0x4u
#define LNT_GPU_NEEDS_FLOAT16 0x8u
#define LNT_GPU_NEEDS_FLOAT64 0x10u
#define LNT_GPU_NEEDS_STORAGE8 0x20u  /* storageBuffer8BitAccess */
#define LNT_GPU_NEEDS_STORAGE16 0x40u /* storageBuffer16BitAccess */
#define LNT_GPU_NEEDS_SHUFFLE 0x80u   /* VK_SUBGROUP_FEATURE_SHUFFLE_BIT in compute */

#endif /* LINNET_BUNDLE_GPUKERNELABI_H */
