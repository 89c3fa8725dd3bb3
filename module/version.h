/* SPDX-License-Identifier: GPL-2.0 */
/* Built in there is no THIS_MODULE to ask. dkms.conf says it too. */
#ifndef QZ_VERSION_H
#define QZ_VERSION_H

#define QZ_VERSION	"0.1.0"

#endif /* QZ_VERSION_H */
