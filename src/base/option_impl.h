/*
 * option_impl.h - what option.c and option_list.c share; for no one else.
 */
#ifndef BASE_OPTION_IMPL_H
#define BASE_OPTION_IMPL_H

#include "base/option.h"

bool option_key_equal(const char *a, const char *b); /* '-' and '_' are the same */
void option_remove(struct option_list *list, unsigned i);

#endif
