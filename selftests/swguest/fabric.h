/* SPDX-License-Identifier: GPL-2.0 */
/* Fabrics and ports, made and asked about as an administrator does. All return 0 or -errno unless said otherwise. */
#ifndef QUEZTL_FABRIC_H
#define QUEZTL_FABRIC_H

#include <linux/queztl.h>

#define FABRIC_PREFIX	"qt"	/* every fabric and port of the tests begins so: fabric_sweep() deletes them */

int queztl_fd(void);					/* /dev/queztl, opened once; -errno */
void queztl_close(void);

int fabric_add(const char *name, __u64 *id);
int fabric_del(__u64 id);
int fabric_set(const char *name, __u32 mode);
int fabric_find(const char *name, struct queztl_fabric *found);

/* mtu 0: the default. Binds the port to vhost_vdpa, or to what @driver says. */
int port_add(const char *name, const char *fabric, const __u8 mac[6], int mtu);
int port_del(const char *name);
int port_bind(const char *name, const char *driver);
int port_find(const char *name, struct queztl_port *found);
/* Waits for a deleted port that nobody has open to leave the bus: it is listed until then. */
int port_find_attached(const char *name, struct queztl_port *found);
int port_stats(const char *name, struct queztl_port_stats *stats);
int port_set(const char *name, __u32 mode);
/* The rest of @capture is given. A descriptor. */
int port_capture(const char *name, struct queztl_port_capture_args *capture);
int port_change(const char *name, __u32 change, __u32 mode);
int port_mirror(const char *name, const char *mirror);	/* NULL: none */
/* The first @n of @ids, without zeros. */
int port_vlan(const char *name, __u32 mode, __u16 native, const __u16 *ids, int n);
int port_macs(const char *name, __u32 mode, const struct queztl_mac *macs, __u32 n);

/* Ports by name; addresses as 10.1.2.0/24 or fd00::1/128. */
int peer_add(const char *port, const char *peer);
int peer_del(const char *port, const char *peer);
int addr_add(const char *port, const char *address);
int addr_del(const char *port, const char *address);

void fabric_sweep(void);

int module_users(void);		/* references to queztl.ko; -1: unknown */

/* To a file that is there, as sysfs and cgroups have them; 0 or -errno. */
int write_text(const char *path, const char *text);

/* Run a program and wait; its exit code, output thrown away when @quiet. */
int run_program(int quiet, const char *const argv[]);

#endif
