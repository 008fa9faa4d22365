/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* Which cella this is. The Makefile tells it to each file that names one of these, so that no other is compiled anew
 * for a commit; who compiles without it goes without. */
#ifndef CELLA_VERSION
#define CELLA_VERSION "unknown"
#endif
#ifndef CELLA_COMMIT
#define CELLA_COMMIT "unknown"
#endif

#endif
