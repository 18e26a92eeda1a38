/*
 * stubs.h - the back end's set-up, and what tests and the disassembler know of it.
 */
#ifndef JIT_X86_64_STUBS_H
#define JIT_X86_64_STUBS_H

#include "jit/x86_64/x64.h"

#define X64_SITE_MARK UINT64_C(0x6574695365736947) /* stands before stubs that are called with a site inline */

/* Features of this processor, enum x64_feature. */
u32 x64_features(void);
/* Tests: code emitted from now on does without these. */
void x64_disable(struct jit *jit, u32 features);
int x64_init(struct jit *jit, struct err *err);
int x64_emit(struct jit *jit, struct jit_emit *out);

#endif
