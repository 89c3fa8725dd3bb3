/* SPDX-License-Identifier: GPL-2.0 */
/* What every test of the fabric needs: members (a port and the guest on it), frames between them, counts. */
#ifndef QUEZTL_WORLD_H
#define QUEZTL_WORLD_H

#include "fabric.h"
#include "frame.h"
#include "ktap.h"
#include "swguest.h"

#define SOON	(3000 * ktap_factor())	/* ms in which what must happen has happened, on a slow host */
#define SILENCE	50		/* ms after which what has not come does not come */

struct member {
	char name[32];
	__u8 mac[6];
	int mtu;
	struct swg port;
	struct queztl_port_stats then;	/* at the last member_mark() */
};

/* A fabric, and a port of it taken by a guest that has not started. They assert. */
void make_fabric(const char *name);
struct member *join(const char *fabric, int number, int mtu);
struct member *make_member(const char *fabric, int number, int mtu);	/* nobody has taken it */
void start(struct member *member, const struct swg_options *options);
void restart(struct member *member, const struct swg_options *options);	/* after a reset */
/* After the process that had the port was killed, which takes a while to let go. */
void reopen(struct member *member);
/* Every byte of the memory but the rings. */
void paint(struct member *member, uint8_t color);
bool is_painted(struct member *member, uint8_t color);

/* Fabric qtlan, @count members, all started alike. */
void make_lan(struct member *members[], int count, const struct swg_options *options);

void member_mark(struct member *member);
struct queztl_port_stats member_stats(struct member *member);
/* The counts since the mark: one frame dropped for @reason (times @count), and nothing else happened. */
void expect_drops(struct member *member, enum queztl_drop reason, int count, const char *why);
void expect_no_drops(struct member *member);

/* This process, and what it forks. */
void keep_to_one_cpu(void);

int send_to(struct member *from, const __u8 to[6], int length, uint32_t seed, int layout);
void expect_arrives(struct member *at, const __u8 to[6], struct member *from, int length, uint32_t seed);
void expect_silence(struct member *at);
void expect_pair_works(struct member *a, struct member *b, uint32_t seed);

#endif
