// SPDX-License-Identifier: GPL-2.0
/* Peers, addresses and rates of ports, through the command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fake_policy.h"
#include "run.h"

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	fake_add_ports();
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static const char *text_at(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void assert_text(json_t *object, const char *key, const char *text)
{
	const char *found = text_at(object, key);

	if (!found || strcmp(found, text))
		fail_msg("%s is %s, not %s", key, found ? found : "no text",
			 text);
}

static void assert_quiet(const char *words)
{
	struct result *r = run(words);

	assert_string_equal(r->err, "");
	assert_string_equal(r->out, "");
	assert_int_equal(r->code, EXIT_OK);
}

static void assert_says(const char *words, const char *text)
{
	struct result *r = run(words);

	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
	if (!strstr(r->out, text))
		fail_msg("%s is not in %s", text, r->out);
	assert_true(longest_line(r->out) <= LINE_MAX_TEXT);
}

static void fabric_is_closed_and_opened(void **state)
{
	json_t *fabric;

	(void)state;
	assert_says("fabric list", "blue    1      3  open  queztl/blue");
	assert_quiet("fabric set blue deny");
	assert_int_equal(fake.fabrics[0].mode, QUEZTL_FABRIC_DENY);
	assert_says("fabric list", "blue    1      3  deny  queztl/blue");
	fabric = run_json("fabric set blue open --json");
	assert_text(fabric, "mode", "open");
	json_decref(fabric);
	assert_int_equal(fake.fabrics[0].mode, 0);
	assert_fails("fabric set red deny", EXIT_NO_OBJECT,
		     "no fabric red: see queztl fabric list");
}

static void reserved_groups_are_forwarded_if_asked_for(void **state)
{
	json_t *fabric;

	(void)state;
	assert_quiet("fabric set blue deny");
	fabric = run_json("fabric set blue reserved forward --json");
	assert_text(fabric, "mode", "deny");
	assert_text(fabric, "reserved", "forward");
	json_decref(fabric);
	assert_says("fabric list", "blue    1      3  deny,reserved  queztl/blue");
	assert_quiet("fabric set blue open reserved drop");
	assert_int_equal(fake.fabrics[0].mode, 0);
	assert_fails("fabric set blue reserved", EXIT_USAGE,
		     "invalid value '' of 'reserved': use forward");
	assert_fails("fabric set blue reserved on", EXIT_USAGE,
		     "invalid value 'on'");
}

static void fabric_begins_closed_or_not_at_all(void **state)
{
	json_t *fabric;

	(void)state;
	fabric = run_json("fabric add red --deny --json");
	assert_text(fabric, "mode", "deny");
	json_decref(fabric);
	assert_int_equal(fake.fabrics[2].mode, QUEZTL_FABRIC_DENY);
	assert_says("fabric add --deny pink", "queztl policy allow PORT PEER");
	assert_int_equal(run("fabric del red")->code, EXIT_OK);
	fake.version_1 = true;
	assert_fails("fabric add red --deny", EXIT_UNSUPPORTED, "older than");
	assert_null(strstr(run("fabric list")->out, "red"));
	assert_int_equal(run("fabric add red")->code, EXIT_OK);
}

/* Unknown mode bits of a newer module do not hide the known ones. */
static void unknown_mode_bits_are_passed_over(void **state)
{
	(void)state;
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY | 1u << 31;
	assert_says("fabric list", "deny  queztl/blue");
	fake.fabrics[0].mode = 1u << 31;
	assert_says("fabric list", "open  queztl/blue");
}

static void assert_keys(json_t *object, const char *keys)
{
	char copy[256], *state;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", keys);
	for (char *key = strtok_r(copy, " ", &state); key;
	     key = strtok_r(NULL, " ", &state), count++)
		if (!json_object_get(object, key))
			fail_msg("no key %s", key);
	assert_int_equal(json_object_size(object), count);
}

static int number_at(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void limits_are_set_one_by_one(void **state)
{
	const struct queztl_port_rates *rates = &fake.ports[0].rates;
	json_t *port, *limits;

	(void)state;
	assert_quiet("port set web0 pps 5000 rate 100mbit");
	assert_int_equal(rates->tx_bytes, 12500000);
	assert_int_equal(rates->tx_packets, 5000);
	assert_quiet("port set web0 rate none flood 10");
	assert_int_equal(rates->tx_bytes, 0);
	assert_int_equal(rates->tx_packets, 5000);
	assert_int_equal(rates->flood, 10);
	port = run_json("port set web0 pps none --json");
	assert_keys(port, "id name link vlan macs limits");
	assert_text(port, "link", "up");
	limits = json_object_get(port, "limits");
	assert_keys(limits, "tx_bytes tx_packets flood");
	assert_int_equal(number_at(limits, "tx_packets"), 0);
	assert_int_equal(number_at(limits, "flood"), 10);
	json_decref(port);
	assert_int_equal(fake.ports[1].rates.flood, 0);
}

static void a_fabric_has_one_uplink(void **state)
{
	json_t *port;

	(void)state;
	assert_quiet("port uplink web0 on");
	assert_int_equal(fake.ports[0].port.mode, QUEZTL_PORT_UPLINK);
	assert_says("port list", " uplink ");
	assert_says("port show web0", "yes: gets the frames to addresses");
	assert_says("port show db0", "uplink     no");
	assert_fails("port uplink db0 on", EXIT_FAILED,
		     "fabric blue already has another uplink: see queztl port list");
	assert_quiet("port uplink lone0 on");	/* of another fabric */
	port = run_json("port uplink web0 off --json");
	assert_text(port, "name", "web0");
	assert_true(json_is_false(json_object_get(port, "uplink")));
	json_decref(port);
	assert_int_equal(fake.ports[0].port.mode, 0);
	assert_quiet("port uplink db0 on");
}

static void a_link_goes_down_and_up(void **state)
{
	struct queztl_port *now = &fake.ports[0].port;
	json_t *port;

	(void)state;
	assert_says("port show web0", "link       up");
	assert_quiet("port uplink web0 on");
	assert_quiet("port set web0 link down");
	assert_int_equal(now->mode, QUEZTL_PORT_UPLINK | QUEZTL_PORT_LINK_DOWN);
	assert_says("port list", " uplink link down");
	assert_says("port show web0", "link       down: the port neither sends nor receives");
	port = run_json("port show web0 --json");
	assert_text(port, "link", "down");
	json_decref(port);
	port = run_json("port uplink web0 off --json");
	assert_text(port, "link", "down");
	json_decref(port);
	port = run_json("port set web0 pps 1 --json");
	assert_text(port, "link", "down");
	json_decref(port);
	port = run_json("port set web0 link up pps 2 --json");
	assert_text(port, "link", "up");
	assert_int_equal(number_at(json_object_get(port, "limits"), "tx_packets"), 2);
	json_decref(port);
	assert_int_equal(now->mode, 0);
	fake.link_bit = 0;
	assert_fails("port set web0 link down", EXIT_UNSUPPORTED, "older than this program");
}

static void vlans_are_set_and_shown(void **state)
{
	const struct queztl_port_vlan *now = &fake.ports[0].vlan;
	json_t *port, *vlan;

	(void)state;
	assert_says("port show web0", "VLAN       none");
	assert_quiet("port set web0 vlan 10");
	assert_int_equal(now->mode, QUEZTL_VLAN_ACCESS);
	assert_int_equal(now->native, 10);
	assert_true(now->ids[0] == 1 << 10);
	assert_says("port show web0", "VLAN       access 10");
	assert_quiet("port set web0 trunk 10,20-29,4000");
	assert_int_equal(now->mode, QUEZTL_VLAN_TRUNK);
	assert_int_equal(now->native, 0);
	assert_true(now->ids[0] == (1 << 10 | 0x3ffull << 20));
	assert_true(now->ids[62] == 1ull << 32);
	assert_says("port show web0", "VLAN       trunk 10,20-29,4000");
	assert_quiet("port set web0 native 7 trunk 8-9 pps 5");
	assert_says("port show web0", "VLAN       trunk 7-9, native 7");
	assert_int_equal(fake.ports[0].rates.tx_packets, 5);
	port = run_json("port show web0 --json");
	vlan = json_object_get(port, "vlan");
	assert_keys(vlan, "mode native ids");
	assert_text(vlan, "mode", "trunk");
	assert_int_equal(number_at(vlan, "native"), 7);
	assert_int_equal(json_array_size(json_object_get(vlan, "ids")), 3);
	json_decref(port);
	assert_quiet("port set web0 trunk 1-4094");
	assert_says("port show web0", "VLAN       trunk 1-4094");
	port = run_json("port set web0 vlan none --json");
	vlan = json_object_get(port, "vlan");
	assert_text(vlan, "mode", "none");
	assert_true(json_is_null(json_object_get(vlan, "native")));
	json_decref(port);
	assert_int_equal(now->mode, QUEZTL_VLAN_NONE);
	fake.link_bit = 0;	/* before ABI version 10 */
	assert_fails("port set web0 vlan 1", EXIT_UNSUPPORTED, "older than this program");
	assert_null(strstr(run("port show web0")->out, "VLAN"));
	port = run_json("port show web0 --json");
	assert_true(json_is_null(json_object_get(port, "vlan")));
	json_decref(port);
}

/* Each other VLAN: more than a line has room for. */
static void long_trunks_are_cut(void **state)
{
	struct queztl_port_vlan *vlan = &fake.ports[0].vlan;

	(void)state;
	vlan->mode = QUEZTL_VLAN_TRUNK;
	for (unsigned int id = 1; id < 4095; id += 2)
		vlan->ids[id / 64] |= 1ULL << id % 64;
	assert_says("port show web0", "trunk 1,3,5,7,9,11");
}

static void macs_are_set_and_shown(void **state)
{
	const struct fake_port *now = &fake.ports[0];
	json_t *port, *macs;

	(void)state;
	assert_says("port show web0", "more MACs  none");
	assert_quiet("port set web0 macs any");
	assert_int_equal(now->macs_mode, QUEZTL_MACS_ANY);
	assert_says("port show web0", "any MAC    none yet");
	assert_quiet("port set web0 macs 02:00:00:00:00:09,02:00:00:00:00:0a");
	assert_int_equal(now->macs_mode, QUEZTL_MACS_LIST);
	assert_int_equal(now->mac_count, 2);
	assert_int_equal(now->macs[1].addr[5], 10);
	assert_says("port show web0", "more MACs  02:00:00:00:00:09");
	assert_says("port show web0", "02:00:00:00:00:0a");
	port = run_json("port show web0 --json");
	macs = json_object_get(port, "macs");
	assert_keys(macs, "mode addresses");
	assert_text(macs, "mode", "list");
	assert_int_equal(json_array_size(json_object_get(macs, "addresses")), 2);
	json_decref(port);
	assert_fails("port set web0 macs 52:54:00:00:00:01", EXIT_FAILED,
		     "one of the MAC addresses is a port's own");
	port = run_json("port set web0 macs none --json");
	assert_text(json_object_get(port, "macs"), "mode", "none");
	json_decref(port);
	assert_int_equal(now->mac_count, 0);
	fake.link_bit = 0;	/* before ABI version 10 */
	assert_fails("port set web0 macs any", EXIT_UNSUPPORTED, "older than this program");
	assert_null(strstr(run("port show web0")->out, "MACs"));
}

#define DB0	12	/* its id */

static void ports_are_mirrored(void **state)
{
	const struct fake_port *now = &fake.ports[0];
	json_t *port;

	(void)state;
	assert_null(strstr(run("port show web0")->out, "mirror"));
	assert_quiet("port mirror web0 to db0");
	assert_int_equal(now->mirror, DB0);
	assert_says("port show web0", "mirror     db0");
	assert_fails("port mirror web0 to web0", EXIT_USAGE, "cannot mirror itself");
	assert_fails("port mirror db0 to web0", EXIT_FAILED, "port db0 is a mirror, or web0 has one");
	assert_fails("port mirror web0 to lone0", EXIT_FAILED, "in different fabrics, blue and");
	assert_int_equal(now->mirror, DB0);
	port = run_json("port mirror web0 to db0 --json");
	assert_keys(port, "id name mirror");
	assert_text(port, "mirror", "db0");
	json_decref(port);
	port = run_json("port mirror web0 off --json");
	assert_true(json_is_null(json_object_get(port, "mirror")));
	json_decref(port);
	assert_int_equal(now->mirror, 0);
	fake.call_error = EACCES;
	fake.failing = QUEZTL_PORT_MIRROR_SET;
	assert_fails("port mirror web0 to db0", EXIT_FAILED, "not peers: queztl policy allow web0 db0");
	fake.call_error = ENOENT;
	assert_fails("port mirror web0 to db0", EXIT_NO_OBJECT, "no longer exists");
	fake.call_error = 0;
	fake.link_bit = 0;
	assert_fails("port mirror web0 off", EXIT_UNSUPPORTED, "older than this program");
}

static void drops_name_their_remedy(void **state)
{
	(void)state;
	assert_null(strstr(run("port show web0")->out, "port set PORT"));
	fake.ports[0].stats.drops[QUEZTL_DROP_SPOOFED] = 5;
	assert_says("port show web0", "queztl port set PORT macs");
	fake.ports[0].stats.drops[QUEZTL_DROP_RATE] = 5;
	assert_says("port show web0", "queztl port set PORT flood N");
}

static void missing_ports_are_code_3(void **state)
{
	static const char *const words[] = {
		"port show x", "port uplink x on", "port mirror x off", "port mirror web0 to x",
		"port set x pps 1", "policy allow x web0",
		"policy allow web0 x", "policy forbid web0 x", "policy list x",
		"addr add x 10.0.0.1", "addr del x ::1", "addr list x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_fails(words[i], EXIT_NO_OBJECT,
			     "no port x: see queztl port list");
}

/* For example between the list and the call. */
static void ports_that_end_meanwhile_are_code_3(void **state)
{
	(void)state;
	fake.call_error = ENOENT;
	fake.failing = QUEZTL_RATES_SET;
	assert_fails("port set web0 pps 1", EXIT_NO_OBJECT, "no port web0");
	fake.failing = QUEZTL_RATES_GET;
	assert_fails("port show web0", EXIT_NO_OBJECT, "no port web0");
	fake.failing = QUEZTL_PEER_ADD;
	assert_fails("policy allow web0 db0", EXIT_NO_OBJECT, "no longer exists");
	fake.failing = QUEZTL_ADDR_ADD;
	assert_fails("addr add web0 ::1", EXIT_NO_OBJECT, "no port web0");
	fake.failing = QUEZTL_PEER_NEXT;
	assert_int_equal(run("policy list")->code, EXIT_OK);
	fake.failing = QUEZTL_ADDR_NEXT;
	assert_int_equal(run("addr list")->code, EXIT_OK);
}

static void older_modules_and_users_are_told(void **state)
{
	static const char *const words[] = {
		"fabric set blue deny", "port set web0 pps 1",
		"policy allow web0 db0", "policy forbid web0 db0",
		"addr add web0 ::1", "addr del web0 ::1",
		"policy list", "addr list",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fake.version_1 = true;
		assert_fails(words[i], EXIT_UNSUPPORTED, "older than this program: update and reload it");
		fake.version_1 = false;
		if (strstr(words[i], "list"))
			continue;
		fake.failing = i ? i < 2 ? QUEZTL_RATES_SET :
			i == 2 ? QUEZTL_PEER_ADD : i == 3 ? QUEZTL_PEER_DEL :
			i == 4 ? QUEZTL_ADDR_ADD : QUEZTL_ADDR_DEL :
			QUEZTL_FABRIC_SET;
		fake.call_error = EPERM;
		assert_fails(words[i], EXIT_NO_PERMISSION, "sudo");
		fake.call_error = 0;
	}
}

static void peers_are_allowed_and_forbidden(void **state)
{
	json_t *pair;

	(void)state;
	assert_says("policy allow web0 db0",
		    "fabric blue is open, so peers have no effect: queztl fabric set blue deny");
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY;
	assert_quiet("policy allow web0 a-port-with-a-very-long-name-01");
	assert_fails("policy allow db0 web0", EXIT_FAILED, "already");
	assert_fails("policy allow web0 web0", EXIT_USAGE, "port web0 cannot be its own peer");
	assert_fails("policy allow web0 lone0", EXIT_FAILED,
		     "different fabrics, blue and green");
	assert_quiet("policy forbid db0 web0");
	assert_fails("policy forbid web0 db0", EXIT_NO_OBJECT,
		     "not peers: see queztl policy list web0");
	fake.fabrics[0].mode = 0;
	assert_fails("policy forbid web0 db0", EXIT_NO_OBJECT,
		     "queztl fabric set blue deny");
	pair = run_json("policy allow db0 web0 --json");
	assert_keys(pair, "fabric fabric_id mode port port_id peer peer_id");
	assert_text(pair, "port", "db0");
	assert_text(pair, "mode", "open");
	json_decref(pair);
	assert_int_equal(fake.peers[1][0] + fake.peers[0][0], 22);
}

static void pairs_are_listed_once(void **state)
{
	json_t *list;

	(void)state;
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY;
	run("policy allow db0 web0");
	run("policy allow web0 a-port-with-a-very-long-name-01");
	list = run_json("policy list --json");
	assert_int_equal(json_array_size(list), 2);
	assert_keys(json_array_get(list, 0),
		    "fabric fabric_id mode port port_id peer peer_id");
	assert_text(json_array_get(list, 1), "port", "web0");
	assert_text(json_array_get(list, 1), "peer", "db0");
	assert_text(json_array_get(list, 1), "mode", "deny");
	json_decref(list);
	list = run_json("policy list db0 --json");
	assert_int_equal(json_array_size(list), 1);
	assert_text(json_array_get(list, 0), "port", "db0");
	assert_text(json_array_get(list, 0), "peer", "web0");
	json_decref(list);
	assert_says("policy list db0", "blue    db0   web0\n");
	assert_int_equal(count_lines(run("policy list")->out), 3);
}

static void open_fabrics_are_told_once(void **state)
{
	const char *first;

	(void)state;
	run("policy allow db0 web0");
	run("policy allow web0 a-port-with-a-very-long-name-01");
	first = strstr(run("policy list")->out, "fabric blue is open");
	assert_non_null(first);
	assert_null(strstr(first + 1, "fabric blue"));
	run("policy forbid db0 web0");
	fake.ports[2].port.fabric_id = 5;
	run("policy allow db0 lone0");
	assert_says("policy list", "fabric green is open");
	assert_says("policy list", "fabric blue is open");
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY;
	assert_null(strstr(run("policy list")->out, "blue is open"));
}

static int count_pairs(void)
{
	int count = 0;

	for (int i = 0; i < FAKE_PEERS; i++)
		count += !!fake.peers[i][0];
	return count;
}

static void many_peers_are_allowed_at_once(void **state)
{
	json_t *list;

	(void)state;
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY;
	assert_fails("policy allow web0 db0 lone0", EXIT_FAILED,
		     "different fabrics");
	assert_fails("policy allow web0 db0 web0", EXIT_USAGE,
		     "cannot be its own peer");
	assert_fails("policy allow web0 db0 x", EXIT_NO_OBJECT, "no port x");
	assert_fails("policy allow web0", EXIT_USAGE, "missing argument");
	assert_int_equal(count_pairs(), 0);
	assert_quiet("policy allow web0 db0 a-port-with-a-very-long-name-01");
	assert_int_equal(count_pairs(), 2);
	assert_int_equal(fake.peers_calls, 1);
	/* who is a peer already stays one */
	list = run_json("policy allow web0 a-port-with-a-very-long-name-01 db0 --json");
	assert_int_equal(json_array_size(list), 2);
	assert_text(json_array_get(list, 1), "peer", "db0");
	json_decref(list);
	assert_int_equal(count_pairs(), 2);
}

/* A call for each port but the last, whatever the order. */
static void mesh_joins_all_with_all(void **state)
{
	json_t *list;

	(void)state;
	assert_says("policy allow --mesh db0 a-port-with-a-very-long-name-01 web0",
		    "fabric blue is open");
	assert_int_equal(count_pairs(), 3);
	assert_int_equal(fake.peers_calls, 2);
	list = run_json("policy allow db0 web0 --mesh --json");
	assert_int_equal(json_array_size(list), 1);
	assert_text(json_array_get(list, 0), "port", "web0");
	json_decref(list);
	assert_fails("policy allow --mesh db0", EXIT_USAGE,
		     "missing argument");
	assert_fails("policy allow --mesh db0 lone0", EXIT_FAILED,
		     "different fabrics");
}

static void deleted_port_is_shown_with_its_user(void **state)
{
	struct queztl_port *port = &fake.ports[0].port;
	char user[32];
	json_t *object;

	(void)state;
	port->state = QUEZTL_PORT_OPEN | QUEZTL_PORT_DELETED;
	snprintf(user, sizeof(user), "(%d)", port->pid);
	fake.call_error = ENOENT;
	fake.failing = QUEZTL_RATES_GET;	/* as of every policy call */
	assert_says("port show web0", "deleted: it sends and receives nothing");
	assert_says("port show web0", user);
	assert_null(strstr(run("port show web0")->out, "peers"));
	object = run_json("port show web0 --json");
	assert_true(json_is_null(json_object_get(object, "peers")));
	assert_int_equal(json_array_size(json_object_get(object, "state")), 2);
	json_decref(object);
	assert_says("port list", "deleted");
	port->pid = 0;
	assert_says("port show web0", "not known");
	/* its successor has the name */
	memcpy(fake.ports[2].port.name, port->name, sizeof(port->name));
	fake.call_error = 0;
	assert_says("port show web0", "unused");
}

static void port_without_worker_says_why(void **state)
{
	(void)state;
	fake.ports[0].port.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_NO_WORKER;
	assert_says("port show web0", "NO WORKER: its VMM could start no thread");
	assert_says("port list", "NO WORKER");
}

static void no_peers_mean_what_the_mode_says(void **state)
{
	(void)state;
	assert_says("policy list", "queztl policy allow");
	assert_says("policy list db0", "reaches every port: fabric blue is open");
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY;
	assert_says("policy list db0", "has no peers and reaches no port");
	assert_string_equal(run("policy list --json")->out, "[]\n");
}

static void addresses_come_and_go(void **state)
{
	json_t *addr;

	(void)state;
	assert_quiet("addr add web0 10.0.0.1");
	assert_quiet("addr add web0 fd00::/64");
	assert_fails("addr add web0 10.0.0.1/32", EXIT_FAILED,
		     "already has address 10.0.0.1: see queztl addr list web0");
	assert_fails("addr add web0 224.0.0.1", EXIT_USAGE,
		     "invalid address '224.0.0.1'");
	addr = run_json("addr add db0 10.0.1.0/24 --json");
	assert_keys(addr, "fabric port port_id family address prefix");
	assert_text(addr, "address", "10.0.1.0");
	assert_text(addr, "family", "inet");
	assert_int_equal(number_at(addr, "prefix"), 24);
	json_decref(addr);
	assert_says("addr list", "blue    web0  fd00::/64\n");
	assert_int_equal(count_lines(run("addr list")->out), 4);
	assert_int_equal(count_lines(run("addr list web0")->out), 3);
	assert_fails("addr del web0 10.0.0.2", EXIT_NO_OBJECT,
		     "has no address 10.0.0.2: see queztl addr list web0");
	assert_quiet("addr del web0 10.0.0.1");
	assert_says("addr del web0 fd00::/64", "port web0 has no addresses left, it may send from any address now");
	assert_says("addr list web0", "port web0 may send from any address");
}

static void addresses_of_a_port_are_few(void **state)
{
	char words[64];

	(void)state;
	for (int i = 0; i < QUEZTL_ADDR_MAX; i++) {
		snprintf(words, sizeof(words), "addr add web0 10.0.0.%d", i);
		assert_quiet(words);
	}
	assert_fails("addr add web0 10.0.0.99", EXIT_FAILED,
		     "has 16 addresses");
	assert_int_equal(count_lines(run("addr list")->out), 17);
}

static void port_is_shown_with_all_of_it(void **state)
{
	(void)state;
	fake.ports[0].stats.drops[QUEZTL_DROP_DENIED] = 7;
	run("policy allow web0 db0");
	run("addr add web0 10.0.0.1");
	run("addr add web0 fd00::/64");
	run("port set web0 rate 2.5gbit");
	assert_says("port show web0", "fabric     blue, open: every port");
	assert_says("port show web0", "rate       2500mbit\n");
	assert_says("port show web0", "pps        none\nflood      2000\n");
	assert_says("port show web0",
		    "addresses  10.0.0.1\n           fd00::/64\n");
	assert_says("port show web0", "peers      db0\n");
	assert_says("port show web0",
		    "drops      3 no_port: no port has the destination address\n");
	assert_says("port show web0",
		    "           7 denied: the destination is not a peer of the port\n");
	assert_says("port show web0", "2 reason_15: newer");
	assert_says("port show web0", "paced      21 times by its rate limits\n");
	assert_says("port show web0",
		    "waited     12 times for free buffers at a receiver\n");
	assert_says("port show lone0", "addresses  any\npeers      none\n");
	assert_says("port show lone0", "drops      none\n");
	fake.fabrics[0].mode = QUEZTL_FABRIC_DENY;
	assert_says("port show web0", "blue, deny: a port reaches only its peers");
}

static void port_show_has_the_keys_of_the_list(void **state)
{
	json_t *port;

	(void)state;
	run("policy allow web0 db0");
	run("addr add web0 fd00::/64");
	port = run_json("port show web0 --json");
	assert_keys(port, "id name fabric fabric_id mac mtu queue_pairs state link uplink pid comm device path mode vlan macs mirror limits addresses peers counts");
	assert_text(port, "mode", "open");
	assert_int_equal(number_at(json_object_get(port, "limits"), "flood"),
			 2000);
	assert_string_equal(json_string_value(json_array_get(
		json_object_get(port, "addresses"), 0)), "fd00::/64");
	assert_string_equal(json_string_value(json_array_get(
		json_object_get(port, "peers"), 0)), "db0");
	assert_int_equal(number_at(json_object_get(json_object_get(port,
		"counts"), "drops"), "no_port"), 3);
	json_decref(port);
}

static void port_of_an_older_module_is_shown(void **state)
{
	json_t *port;

	(void)state;
	fake.version_1 = true;
	assert_says("port show web0", "policy    not supported");
	port = run_json("port show web0 --json");
	assert_true(json_is_null(json_object_get(port, "limits")));
	assert_true(json_is_null(json_object_get(port, "addresses")));
	assert_true(json_is_null(json_object_get(port, "peers")));
	json_decref(port);
	fake.version_1 = false;
	fake.call_error = ENOMEM;
	fake.failing = QUEZTL_PEER_NEXT;
	assert_fails("port show web0", EXIT_FAILED, "cannot show port web0");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fabric_is_closed_and_opened),
		TEST(reserved_groups_are_forwarded_if_asked_for),
		TEST(fabric_begins_closed_or_not_at_all),
		TEST(unknown_mode_bits_are_passed_over),
		TEST(limits_are_set_one_by_one),
		TEST(a_fabric_has_one_uplink),
		TEST(a_link_goes_down_and_up),
		TEST(vlans_are_set_and_shown),
		TEST(long_trunks_are_cut),
		TEST(macs_are_set_and_shown),
		TEST(ports_are_mirrored),
		TEST(drops_name_their_remedy),
		TEST(missing_ports_are_code_3),
		TEST(ports_that_end_meanwhile_are_code_3),
		TEST(older_modules_and_users_are_told),
		TEST(peers_are_allowed_and_forbidden),
		TEST(many_peers_are_allowed_at_once),
		TEST(mesh_joins_all_with_all),
		TEST(deleted_port_is_shown_with_its_user),
		TEST(port_without_worker_says_why),
		TEST(pairs_are_listed_once),
		TEST(open_fabrics_are_told_once),
		TEST(no_peers_mean_what_the_mode_says),
		TEST(addresses_come_and_go),
		TEST(addresses_of_a_port_are_few),
		TEST(port_is_shown_with_all_of_it),
		TEST(port_show_has_the_keys_of_the_list),
		TEST(port_of_an_older_module_is_shown),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
