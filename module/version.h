/* SPDX-License-Identifier: GPL-2.0 */
/*
 * If built in, there is no THIS_MODULE with a version. Keep dkms.conf in sync.
 */
#ifndef QZ_VERSION_H
#define QZ_VERSION_H

#define QZ_VERSION	"0.1.0"

#endif /* QZ_VERSION_H */
