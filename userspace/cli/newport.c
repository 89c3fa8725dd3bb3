// SPDX-License-Identifier: GPL-2.0
#include <pwd.h>
#include <string.h>

#include <queztl.h>

#include "cli.h"
#include "fail.h"
#include "macs.h"
#include "newport.h"
#include "options.h"
#include "portdev.h"

#define LEAST_MTU	68
#define MOST_MTU	65535
#define MOST_PAIRS	16

static bool parse_mac(const char *value, struct request *request)
{
	struct queztl_mac macs[QUEZTL_MACS_MAX];
	uint32_t count;

	if (strchr(value, ',') || !parse_mac_list(value, macs, &count))
		return false;
	memcpy(request->port.mac, macs[0].addr, sizeof(request->port.mac));
	request->port.has_mac = true;
	return true;
}

static bool parse_mtu(const char *value, struct request *request)
{
	uint64_t number;

	if (!parse_number(value, LEAST_MTU, MOST_MTU, &number))
		return false;
	request->port.mtu = number;
	return true;
}

static bool parse_pairs(const char *value, struct request *request)
{
	uint64_t number;

	if (!parse_number(value, 1, MOST_PAIRS, &number))
		return false;
	request->port.pairs = number;
	return true;
}

static bool parse_for(const char *value, struct request *request)
{
	if (!strcmp(value, "vm"))
		request->driver = DRIVER_FOR_VM;
	else if (!strcmp(value, "host"))
		request->driver = DRIVER_FOR_HOST;
	else
		return false;
	return true;
}

static bool parse_owner(const char *value, struct request *request)
{
	const struct passwd *user = getpwnam(value);
	uint64_t number;

	if (user)
		request->owner = user->pw_uid;
	else if (parse_number(value, 0, UINT32_MAX - 1, &number))
		request->owner = number;
	else
		return false;
	request->has_owner = true;
	return true;
}

static const struct property {
	const char *name;
	bool (*parse)(const char *value, struct request *request);
	const char *takes;
} properties[] = {
	{ "mac", parse_mac, "a unicast MAC address such as 52:54:00:00:00:01" },
	{ "mtu", parse_mtu, "68 to 65535" },
	{ "pairs", parse_pairs, "a number of queue pairs, 1 to 16" },
	{ "for", parse_for, "vm or host" },
	{ "owner", parse_owner, "the name or number of a user" },
};

#define PROPERTIES	(sizeof(properties) / sizeof(properties[0]))

/* PORT, fabric, FABRIC, migratable, and the properties with their values. */
#define MOST_WORDS	(4 + 2 * (int)PROPERTIES)

static const struct property *find_property(const char *name)
{
	for (size_t i = 0; i < PROPERTIES; i++)
		if (!strcmp(properties[i].name, name))
			return &properties[i];
	return NULL;
}

static int parse_property(struct cli *cli, const char *name, const char *value,
			  struct request *request)
{
	const struct property *p = find_property(name);

	if (!p)
		return fail(cli, EXIT_USAGE,
			    "unknown property '%s': use mac, mtu, pairs, for, owner or migratable",
			    name);
	if (!value)
		return fail(cli, EXIT_USAGE, "missing value for '%s': use %s",
			    name, p->takes);
	if (!p->parse(value, request))
		return fail(cli, EXIT_USAGE, "invalid %s '%s': use %s", name,
			    value, p->takes);
	return EXIT_OK;
}

static int parse_properties(struct cli *cli, int argc, char **argv,
			    struct request *request)
{
	int code = EXIT_OK;

	for (int i = 0; !code && i < argc; i++) {
		if (!strcmp(argv[i], "migratable")) {
			request->migratable = true;
			continue;
		}
		code = parse_property(cli, argv[i],
				      i + 1 < argc ? argv[i + 1] : NULL, request);
		i++;
	}
	return code;
}

/* Only a port of a VM has a device that can belong to somebody. */
static int check_owner(struct cli *cli, struct request *request)
{
	if (!request->has_owner)
		return EXIT_OK;
	if (!request->driver)
		request->driver = DRIVER_FOR_VM;
	if (strcmp(request->driver, DRIVER_FOR_VM))
		return fail(cli, EXIT_USAGE,
			    "a port of the host has no owner: use owner with for vm");
	return EXIT_OK;
}

/* The word fabric before its name may be left out; a fabric may be called so. */
static bool names_fabric(int argc, char **argv)
{
	return argc > 2 && !strcmp(argv[1], "fabric") &&
	       strcmp(argv[2], "migratable") && !find_property(argv[2]);
}

int parse_request(struct cli *cli, int argc, char **argv,
		  struct request *request)
{
	int code = expect_between(cli, argc, argv, 2, MOST_WORDS);
	int at;

	if (code)
		return code;
	at = names_fabric(argc, argv) ? 2 : 1;
	request->port.name = argv[0];
	request->port.fabric = argv[at];
	code = parse_properties(cli, argc - at - 1, argv + at + 1, request);
	if (!code)
		code = check_owner(cli, request);
	if (!code && !is_port_name(argv[0]))
		code = fail(cli, EXIT_USAGE,
			    "invalid port name '%s': use letters, digits, - _ . (at most %d, starting with a letter or digit)",
			    argv[0], QUEZTL_NAME_MAX - 1);
	return code;
}
