/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fabrics and ports as text: what configuration files ask for, or what the kernel
 * has. Both are in the same canonical form, so they can be compared.
 */
#ifndef QUEZTL_CONFIG_H
#define QUEZTL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <queztl.h>

struct cli;

enum object_kind {
	FABRIC,
	PORT,
};

/*
 * What an object has. VLAN holds words of `queztl port set`. Values of MACS have
 * commas in between, those of ADDRESSES and PEERS spaces; all are sorted.
 */
enum setting_index {
	MODE, RESERVED,
	OF_FABRIC, MAC, MTU, PAIRS, MIGRATABLE, FOR, OWNER,
	RATE, PPS, FLOOD, LINK, VLAN, MACS, UPLINK, MIRROR, ADDRESSES, PEERS,
	SETTING_COUNT,
};

/* What a setting is called in messages, and whose it is. */
struct setting {
	const char *name;
	enum object_kind kind;
	const char *initial;	/* NULL: whatever the port has */
};

extern const struct setting settings[SETTING_COUNT];

struct object {
	enum object_kind kind;
	char name[QUEZTL_NAME_MAX];
	char *file;		/* where it is asked for, or NULL */
	int line;		/* where that ends */
	char *value[SETTING_COUNT];	/* NULL: not said */
	bool busy;		/* a port that somebody uses */
};

struct config {
	struct object *objects;	/* sorted by kind, then by name */
	size_t count;
};

const char *kind_name(enum object_kind kind);

/* Zeroed but for its name; valid until the next is added. */
struct object *add_object(struct config *config, enum object_kind kind,
			  const char *name);
void drop_last_object(struct config *config);
struct object *find_object(const struct config *config, enum object_kind kind,
			   const char *name);
void set_value(struct object *object, enum setting_index setting,
	       const char *value);
void free_config(struct config *config);

/* The value, or the initial one; NULL if there is none. */
const char *value_of(const struct object *object, enum setting_index setting);

/* If one of two ports names the other as its peer, they are each other's. */
void complete_config(struct config *config);

/* Sorts objects, and the words of lists. */
void sort_config(struct config *config);

/* A list in that order; to be freed. */
char *sorted_words(const char *list);

/* Is word one of those in a list that has spaces in between? */
bool has_word(const char *list, const char *word);

/* Where the files are that are read if none is named. */
extern const char *config_root;

/*
 * Reads files, /etc/queztl/ *.conf without any; "-" is standard input. Prints all
 * errors with file and line.
 */
int read_config_files(struct cli *cli, int count, char **files,
		      struct config *config);

/* What the kernel has. Returns 0 or -errno. */
int read_config_of(int fd, struct config *config);

void print_config(const struct config *config, FILE *to);

#endif /* QUEZTL_CONFIG_H */
