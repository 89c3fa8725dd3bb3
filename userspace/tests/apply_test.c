// SPDX-License-Identifier: GPL-2.0
/* Configuration files: what they say, and the way there and back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "fake.h"
#include "fake_sysfs.h"
#include "fake_vdpa.h"
#include "portlink.h"
#include "run.h"

#define SUPPORTED	(1ULL << 32 | 1ULL << 33 | 1ULL << 17 | 1ULL << 28)

static char directory[] = "/tmp/queztl-apply-XXXXXX";
static char path[64], words[128];

/* A file in the directory of the test; its path. */
static const char *name_file(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static const char *write_file(const char *name, const char *text)
{
	FILE *file = fopen(name_file(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static char *read_file(const char *name)
{
	FILE *file = fopen(name_file(name), "r");
	char *text = calloc(1, 65536);

	assert_non_null(file);
	assert_in_range(fread(text, 1, 65535, file), 0, 65534);
	fclose(file);
	return text;
}

/* "apply --dry-run DIRECTORY/a.conf" */
static struct result *run_with(const char *command, const char *name)
{
	snprintf(words, sizeof(words), "%s %s", command, name_file(name));
	return run(words);
}

static void assert_run(const char *command, const char *name, const char *says)
{
	struct result *r = run_with(command, name);

	assert_string_equal(r->err, "");
	assert_int_equal(r->code, EXIT_OK);
	assert_string_equal(r->out, says);
}

static void assert_refused(const char *command, const char *name,
			   const char *message)
{
	struct result *r = run_with(command, name);

	assert_int_equal(r->code, EXIT_FAILED);
	assert_string_equal(r->out, "");
	if (!strstr(r->err, message))
		fail_msg("%s is not in %s", message, r->err);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_sysfs_begin();
	run_root = directory;
	memset(&fake_vdpa, 0, sizeof(fake_vdpa));
	fake_vdpa.supported = SUPPORTED;
	unlink(name_file("applied.conf"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_sysfs_end();
	return 0;
}

static const char two_ports[] =
	"# what web servers have\n"
	"fabric lan { mode = deny }\n"
	"port web0 {\n"
	"	fabric = lan\n"
	"	mac = \"52:54:00:00:00:0A\"\n"
	"	mtu = 9000\n"
	"	pairs = 2\n"
	"	rate = 100mbit\n"
	"	trunk = {\"20-29\", 10}\n"
	"	native = 5\n"
	"	addresses = {10.0.0.9, \"10.0.0.0/29\", \"fd00::/64\"}\n"
	"	peers = {db0}\n"
	"	uplink = yes\n"
	"}\n"
	"port db0 {\n"
	"	fabric = lan\n"
	"	migratable = yes\n"
	"	macs = {\"52:54:00:00:00:02\", \"52:54:00:00:00:01\"}\n"
	"	mirror = web0\n"
	"}\n";

static const char commands_of_two_ports[] =
	"queztl fabric add lan --deny\n"
	"queztl port add db0 lan migratable\n"
	"queztl port add web0 lan mac 52:54:00:00:00:0a mtu 9000 pairs 2\n"
	"queztl port set db0 macs 52:54:00:00:00:01,52:54:00:00:00:02\n"
	"queztl port set web0 rate 100mbit trunk 5,10,20-29 native 5\n"
	"queztl addr add web0 10.0.0.0/29\n"
	"queztl addr add web0 10.0.0.9\n"
	"queztl addr add web0 fd00::/64\n"
	"queztl policy allow db0 web0\n"
	"queztl port mirror db0 to web0\n"
	"queztl port uplink web0 on\n";

static void a_plan_is_commands(void **state)
{
	(void)state;
	write_file("a.conf", two_ports);
	assert_run("apply --dry-run", "a.conf", commands_of_two_ports);
	assert_int_equal(fake.fabrics[0].id, 0);
}

static void what_was_applied_needs_nothing(void **state)
{
	(void)state;
	write_file("a.conf", two_ports);
	assert_run("apply", "a.conf", "");
	assert_run("apply --dry-run", "a.conf", "nothing to do\n");
	assert_run("apply", "a.conf", "nothing to do\n");
	assert_run("save", "b.conf", "");
	assert_run("apply --dry-run", "b.conf", "nothing to do\n");
	assert_run("check", "b.conf", "ok: 1 fabric, 2 ports\n");
}

static void a_difference_is_a_command(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "rate = 100mbit", "rate = 1gbit",
		  "queztl port set web0 rate 1gbit\n" },
		{ "	rate = 100mbit\n", "",
		  "queztl port set web0 rate none\n" },
		{ "native = 5", "native = 6",
		  "queztl port set web0 trunk 6,10,20-29 native 6\n" },
		{ "10.0.0.9, ", "",
		  "queztl addr del web0 10.0.0.9\n" },
		{ "	peers = {db0}\n", "",
		  "queztl policy forbid db0 web0\n" },
		{ "mode = deny", "mode = open",
		  "queztl fabric set lan open\n" },
		{ "	mirror = web0\n", "",
		  "queztl port mirror db0 off\n" },
		{ "uplink = yes", "link = down",
		  "queztl port uplink web0 off\n"
		  "queztl port set web0 link down\n" },
		{ "	migratable = yes\n", "",
		  "queztl port del db0\n"
		  "queztl port add db0 lan\n"
		  "queztl port set db0 macs 52:54:00:00:00:01,52:54:00:00:00:02\n"
		  "queztl policy allow db0 web0\n"
		  "queztl port mirror db0 to web0\n" },
	};

	(void)state;
	write_file("a.conf", two_ports);
	assert_run("apply", "a.conf", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(two_ports, cases[i].from);
		char text[sizeof(two_ports) + 64];

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - two_ports),
			 two_ports, cases[i].to, at + strlen(cases[i].from));
		write_file("b.conf", text);
		assert_run("apply --dry-run", "b.conf", cases[i].says);
		assert_run("apply", "b.conf", "");
		assert_run("apply --dry-run", "b.conf", "nothing to do\n");
		assert_run("apply", "a.conf", "");
		assert_run("apply --dry-run", "a.conf", "nothing to do\n");
	}
}

static void what_is_said_twice_counts_once(void **state)
{
	(void)state;
	write_file("a.conf", "fabric lan {}\nport a {\n\tfabric = lan\n"
			     "\taddresses = {10.0.0.1, 10.0.0.1}\n"
			     "\tmacs = {\"2:0:0:0:0:1\", \"02:00:00:00:00:01\"}\n"
			     "\tpeers = {b, b}\n}\nport b {\n\tfabric = lan\n\tpeers = {a}\n}\n");
	assert_run("apply --dry-run", "a.conf",
		   "queztl fabric add lan\n"
		   "queztl port add a lan\n"
		   "queztl port add b lan\n"
		   "queztl port set a macs 02:00:00:00:00:01\n"
		   "queztl addr add a 10.0.0.1\n"
		   "queztl policy allow a b\n");
	assert_run("apply", "a.conf", "");
	assert_run("apply", "a.conf", "nothing to do\n");
}

static void a_difference_is_shown(void **state)
{
	(void)state;
	write_file("a.conf", "fabric lan {}\nport a { fabric = lan }\n");
	write_file("b.conf", "fabric lan {}\nport a { fabric = lan\n vlan = 7 }\n");
	assert_run("apply", "a.conf", "");
	assert_run("apply --dry-run --diff", "b.conf",
		   "-port a: vlan = vlan none\n+port a: vlan = vlan 7\n");
}

static void what_was_applied_and_is_gone_is_removed(void **state)
{
	(void)state;
	write_file("a.conf", two_ports);
	write_file("b.conf", "");
	assert_run("apply", "a.conf", "");
	assert_int_equal(run("fabric add other")->code, EXIT_OK);
	assert_int_equal(run("port add mine other")->code, EXIT_OK);
	assert_run("apply --dry-run", "b.conf",
		   "queztl port del db0\nqueztl port del web0\nqueztl fabric del lan\n");
	assert_run("apply", "b.conf", "");
	assert_run("apply", "b.conf", "nothing to do\n");
	assert_int_equal(run("port show mine")->code, EXIT_OK);
	assert_int_equal(run("port show db0")->code, EXIT_NO_OBJECT);
}

static void set_busy(const char *name)
{
	for (int i = 0; i < FAKE_ROOM; i++)
		if (!strcmp(fake.ports[i].port.name, name))
			fake.ports[i].port.pid = getpid();
}

static void a_port_in_use_keeps_running(void **state)
{
	(void)state;
	write_file("a.conf", "fabric lan {}\nport a { fabric = lan }\n");
	write_file("b.conf", "fabric lan {}\nport a {\n\tfabric = lan\n\tmtu = 9000\n}\n");
	write_file("c.conf", "fabric lan {}\n");
	write_file("d.conf", "fabric lan {}\nport a { fabric = lan\n link = down }\n");
	assert_run("apply", "a.conf", "");
	set_busy("a");
	assert_refused("apply", "b.conf",
		       "b.conf:5: port a: mtu cannot change from 1500 to 9000 while the port is in use");
	assert_refused("apply", "c.conf", "port a is no longer in the configuration, but is in use");
	assert_run("apply", "d.conf", "");
}

static void all_or_nothing(void **state)
{
	static const unsigned long calls[] = {
		QUEZTL_RATES_SET, QUEZTL_PORT_VLAN_SET, QUEZTL_PORT_MACS_SET,
		QUEZTL_ADDR_ADD, QUEZTL_PEER_ADD, QUEZTL_PORT_SET,
		QUEZTL_PORT_MIRROR_SET,
	};
	char *before, *after;

	(void)state;
	write_file("a.conf", "fabric lan {}\nport old { fabric = lan\n vlan = 3 }\n");
	write_file("b.conf", two_ports);
	assert_run("apply", "a.conf", "");
	assert_run("save", "before.conf", "");
	before = read_file("before.conf");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		fake.call_error = EIO;
		fake.failing = calls[i];
		fake.fails_once = true;
		assert_refused("apply", "b.conf", "queztl: nothing was changed\n");
		assert_run("save", "after.conf", "");
		after = read_file("after.conf");
		assert_string_equal(after, before);
		free(after);
	}
	free(before);
	assert_run("apply", "b.conf", "");
}

static void a_full_disk_changes_nothing(void **state)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY };
	struct rlimit usual;
	struct result *r;
	char *applied;

	(void)state;
	write_file("a.conf", "fabric lan {}\n");
	write_file("b.conf", "fabric wan {}\n");
	assert_run("apply", "a.conf", "");
	getrlimit(RLIMIT_FSIZE, &usual);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	r = run_with("apply", "b.conf");
	setrlimit(RLIMIT_FSIZE, &usual);
	assert_int_equal(r->code, EXIT_FAILED);
	assert_non_null(strstr(r->err, "queztl: nothing was changed\n"));
	assert_null(strstr(r->err, "not everything"));
	assert_run("apply", "a.conf", "nothing to do\n");
	applied = read_file("applied.conf");
	assert_string_equal(applied, "fabric lan {\n}\n");
	free(applied);
}

static void every_error_has_its_line(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "fabric a {\n\tmode = shut\n}\n", ":2: invalid mode 'shut': use open or deny" },
		{ "# x\n\n# y\nport a {\n\tlink = \"#1\"\n}\n", ":5: invalid link '#1'" },
		{ "port a {\n\tfabric = b\n}\n", ":3: port a: fabric 'b' is in none of the files" },
		{ "port a {\n}\n", ":2: port a: 'fabric' is missing" },
		{ "fabric a {}\nfabric a {}\n", ":2: found duplicate title 'a'" },
		{ "fabric .a {}\n", ":1: invalid fabric name '.a'" },
		{ "fabric a {}\nport b { fabric = a\npeers = {b} }", ":3: port b: 'peers' names the port itself" },
		{ "fabric a {}\nport b { fabric = a\npeers = {c} }", ":3: port b: peers 'c' is in none" },
		{ "fabric a {}\nport b { fabric = a\nmirror = c }", ":3: port b: mirror 'c' is in none" },
		{ "fabric a {}\nport b { fabric = a\nnative = 3 }", "'native' is of a trunk" },
		{ "fabric a {}\nport b { fabric = a\nvlan = 3\ntrunk = {4} }", "one VLAN or is a trunk" },
		{ "fabric a {}\nport b { fabric = a\nmacs = {any, \"2:0:0:0:0:1\"} }", "stand alone" },
		{ "fabric a {}\nport b { fabric = a\nvlan = 4095 }", ":3: invalid vlan '4095': use a VLAN, 1 to 4094" },
		{ "fabric a {}\nport b { fabric = a\ntrunk = {4-} }", ":3: invalid trunk '4-'" },
		{ "fabric a {}\nport b { fabric = a\naddresses = {10.0.0.1/8} }", "invalid addresses '10.0.0.1/8'" },
		{ "wire a {}\n", ":1: no such option 'wire'" },
		{ "fabric a {\n\tspeed = 3\n}\n", ":2: no such option 'speed'" },
		{ "fabric a {\n", ":1: this section has no end" },
		{ "fabric a { mode = \"deny }\n", ":1: this string has no end" },
		{ "fabric a {}\nport b { fabric = a", ":2: this section has no end" },
		{ "fabric a {}\n/* cut off\nfabric b {}\n", ":2: this comment has no end" },
		{ "fabric a {}\nfabric b {\n mode = \"${HOME}\"\n}\n", ":3: variables such as ${HOME} cannot be used" },
		{ "fabric \"a\\nb\033[31m\" {}\n", ":1: invalid fabric name 'a?b?[31m'" },
		{ "fabric a {}\nwire\033c {}\n", ":2: no such option 'wire?c'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("a.conf", cases[i].text);
		assert_refused("check", "a.conf", cases[i].message);
		assert_refused("apply", "a.conf", cases[i].message);
	}
	write_file("a.conf", "fabric a {\n\tmode = x\n\treserved = y\n}\n");
	assert_int_equal(count_lines(run_with("check", "a.conf")->err), 2);
	assert_refused("check", "none.conf", "cannot read");
}

static void comments_of_each_kind_end(void **state)
{
	(void)state;
	write_file("a.conf", "/* it's # { */ fabric a {}\n// isn't {\nfabric b {}\n"
			     "/*/ \" */fabric /**/c{}//}\n# /*\nfabric d {}\n");
	assert_run("check", "a.conf", "ok: 4 fabrics, 0 ports\n");
	write_file("a.conf", "/* 1\n 2 */\nfabric a { mode = x }\n");
	assert_refused("check", "a.conf", ":3: invalid mode 'x'");
}

/* As after a loss of power: it is not an empty configuration. */
static void a_file_of_zeros_is_refused(void **state)
{
	FILE *file;

	(void)state;
	write_file("a.conf", "fabric a {}\n");
	file = fopen(path, "a");
	assert_non_null(file);
	assert_int_equal(fwrite("\0\0\0", 1, 3, file), 3);
	assert_int_equal(fclose(file), 0);
	assert_refused("check", "a.conf", ":2: this is no text: it has a byte 0");
	alarm(20);
	assert_int_equal(run("check /dev/zero")->code, EXIT_FAILED);
	write_file("a.conf", "fabric a {}\n#");
	assert_return_code(truncate(path, 1 << 30), errno);
	assert_refused("check", "a.conf", "byte 0");
	alarm(0);
}

/* Files in the place of configurations, which nobody named. */
static void what_is_found_must_be_roots_file(void **state)
{
	char root[64];

	(void)state;
	strcpy(root, name_file("etc"));
	config_root = root;
	assert_string_equal(run("check")->out, "ok: 0 fabrics, 0 ports\n");
	assert_return_code(mkdir(root, 0755), errno);
	assert_string_equal(run("check")->out, "ok: 0 fabrics, 0 ports\n");
	write_file("etc/a.conf", "fabric a {}\n");
	assert_string_equal(run("check")->out, "ok: 1 fabric, 0 ports\n");
	assert_return_code(chmod(path, 0666), errno);
	assert_int_equal(run("check")->code, EXIT_FAILED);
	assert_return_code(unlink(path), errno);
	assert_return_code(mkfifo(path, 0600), errno);
	alarm(20);
	assert_int_equal(run("check")->code, EXIT_FAILED);
	alarm(0);
	/* A directory that cannot be read does not mean that nothing is wanted. */
	strcat(root, "/loop");
	assert_return_code(symlink("loop", root), errno);
	assert_int_equal(run("check")->code, EXIT_FAILED);
	config_root = "/etc/queztl";
}

/* They may be a pipe or a terminal, and somebody else wants to go on. */
static void named_files_are_read_before_the_lock(void **state)
{
	int lock;

	(void)state;
	lock = open(name_file("apply.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(lock, errno);
	assert_return_code(flock(lock, LOCK_EX), errno);
	write_file("a.conf", "rubbish");
	alarm(20);
	assert_refused("apply", "a.conf", "no such option 'rubbish'");
	alarm(0);
	close(lock);
}

static void a_name_is_in_one_file_only(void **state)
{
	char second[64];

	(void)state;
	write_file("a.conf", "fabric a {}\n");
	snprintf(second, sizeof(second), "check %s", write_file("b.conf", "\nfabric a {}\n"));
	assert_refused(second, "a.conf", "a.conf:1: fabric a is in ");
}

static void a_file_is_replaced_but_no_device(void **state)
{
	char link_path[64], *text;
	struct stat now;

	(void)state;
	write_file("a.conf", two_ports);
	assert_run("apply", "a.conf", "");
	write_file("b.conf", "old");
	assert_return_code(chmod(path, 0600), errno);
	strcpy(link_path, name_file("link.conf"));
	assert_return_code(symlink("b.conf", link_path), errno);
	assert_run("save", "link.conf", "");
	assert_return_code(lstat(link_path, &now), errno);
	assert_true(S_ISLNK(now.st_mode));
	assert_return_code(stat(link_path, &now), errno);
	assert_int_equal(now.st_mode & 0777, 0600);
	text = read_file("b.conf");
	assert_non_null(strstr(text, "port web0 {"));
	free(text);
	unlink(link_path);
	assert_int_equal(run("save /dev/null")->code, EXIT_OK);
	assert_return_code(stat("/dev/null", &now), errno);
	assert_true(S_ISCHR(now.st_mode));
	assert_int_equal(run("save /dev/full")->code, EXIT_FAILED);
	assert_int_equal(run("save /nonexistent/a.conf")->code, EXIT_NO_OBJECT);
}

/* As in /tmp: neither his link nor the mode of his file counts. */
static void a_file_of_another_user_is_not_trusted(void **state)
{
	char link_path[64], *text;
	struct stat now;

	(void)state;
	if (geteuid())
		skip();
	write_file("b.conf", "old");
	strcpy(link_path, name_file("link.conf"));
	assert_return_code(symlink("b.conf", link_path), errno);
	assert_return_code(fchownat(AT_FDCWD, link_path, 12345, -1,
				    AT_SYMLINK_NOFOLLOW), errno);
	assert_int_equal(run_with("save", "link.conf")->code, EXIT_FAILED);
	text = read_file("b.conf");
	assert_string_equal(text, "old");
	free(text);
	unlink(link_path);
	assert_return_code(chmod(name_file("b.conf"), 0666), errno);
	assert_return_code(chown(path, 12345, -1), errno);
	assert_run("save", "b.conf", "");
	assert_return_code(stat(path, &now), errno);
	assert_int_equal(now.st_mode & 0777, 0644);
}

/* As /dev/stdout, which leads to /proc/self/fd/1. */
static void a_link_to_a_pipe_is_written_to(void **state)
{
	char target[32], read_back[8] = "";
	struct stat now;
	int ends[2];

	(void)state;
	write_file("a.conf", "fabric a {}\n");
	assert_run("apply", "a.conf", "");
	assert_return_code(pipe(ends), errno);
	snprintf(target, sizeof(target), "/proc/self/fd/%d", ends[1]);
	assert_return_code(symlink(target, name_file("link.conf")), errno);
	assert_run("save", "link.conf", "");
	assert_return_code(lstat(path, &now), errno);
	assert_true(S_ISLNK(now.st_mode));
	assert_int_equal(read(ends[0], read_back, 6), 6);
	assert_string_equal(read_back, "fabric");
	unlink(path);
	close(ends[0]);
	close(ends[1]);
}

/* VMMs look for their ports there, whoever is the first that needs the directory. */
static void the_umask_closes_no_directory(void **state)
{
	mode_t before = umask(0077);
	char root[64];
	struct stat now;

	(void)state;
	write_file("a.conf", "fabric a {}\n");
	strcpy(root, name_file("run"));
	run_root = root;
	assert_run("apply", "a.conf", "");
	assert_return_code(stat(root, &now), errno);
	assert_int_equal(now.st_mode & 0777, 0755);
	run_root = directory;
	umask(before);
}

static void what_a_dead_apply_made_is_removed_later(void **state)
{
	(void)state;
	write_file("applied.conf", two_ports);
	assert_int_equal(run("fabric add lan")->code, EXIT_OK);
	assert_int_equal(run("port add web0 lan")->code, EXIT_OK);
	write_file("b.conf", "");
	assert_run("apply", "b.conf", "");
	assert_int_equal(run("port show web0")->code, EXIT_NO_OBJECT);
	write_file("applied.conf", "rubbish");
	assert_refused("apply", "b.conf", "/applied.conf; what it names is then left alone");
}

/* A random number below n, the same in each run. */
static unsigned int draw(unsigned int n)
{
	static unsigned int seed = 20;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void print_random_port(FILE *to, int i)
{
	static const char *const rates[] = { "none", "8kbit", "100mbit", "1gbps" };

	fprintf(to, "port p%d {\n\tfabric = f%u\n", i, 0);
	if (draw(2))
		fprintf(to, "\tmac = \"52:54:00:00:02:0%d\"\n", i);
	if (draw(3) == 0)
		fprintf(to, "\tmtu = %u\n", 1500 + 500 * draw(3));
	if (draw(4) == 0)
		fputs("\tmigratable = yes\n", to);
	fprintf(to, "\trate = %s\n", rates[draw(4)]);
	if (draw(2))
		fprintf(to, "\tpps = %u\n", 1 + draw(1000));
	if (draw(2))
		fprintf(to, "\tflood = %u\n", 1 + draw(5000));
	switch (draw(4)) {
	case 0:
		fprintf(to, "\tvlan = %u\n", 1 + draw(4094));
		break;
	case 1:
		fprintf(to, "\ttrunk = {%u, \"%u-4000\"}\n", 1 + draw(4094),
			1 + draw(4000));
		if (draw(2))
			fprintf(to, "\tnative = %u\n", 1 + draw(4094));
		break;
	}
	switch (draw(3)) {
	case 0:
		fputs("\tmacs = any\n", to);
		break;
	case 1:
		fprintf(to, "\tmacs = {\"02:00:00:00:%02x:00\", \"02:00:00:00:00:ff\"}\n",
			1 + draw(200));
	}
	if (draw(2))
		fprintf(to, "\taddresses = {10.0.%u.1, \"fd00:%x::/32\"}\n", draw(250),
			draw(9999));
	if (draw(2))
		fprintf(to, "\tpeers = {p%d}\n", (i + 1) % 3);
	if (draw(2))
		fputs("\tlink = down\n", to);
	fputs("}\n", to);
}

static void write_random(const char *name)
{
	FILE *file = fopen(name_file(name), "w");
	int ports = draw(4);

	assert_non_null(file);
	fprintf(file, "fabric f0 { mode = %s }\n", draw(2) ? "deny" : "open");
	if (draw(2))
		fprintf(file, "fabric f1 { reserved = %s }\n",
			draw(2) ? "forward" : "drop");
	for (int i = 0; ports == 3 && i < ports; i++)
		print_random_port(file, i);
	fclose(file);
}

static void any_configuration_is_reached_from_any(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++) {
		struct result *r;
		char *saved, *again;

		write_random("a.conf");
		r = run_with("apply", "a.conf");
		assert_string_equal(r->err, "");
		assert_int_equal(r->code, EXIT_OK);
		assert_run("apply --dry-run", "a.conf", "nothing to do\n");
		assert_run("save", "b.conf", "");
		saved = read_file("b.conf");
		assert_run("apply", "b.conf", "nothing to do\n");
		assert_run("save", "c.conf", "");
		again = read_file("c.conf");
		assert_string_equal(saved, again);
		free(again);
		free(saved);
	}
}

static void nothing_asked_for_needs_no_module(void **state)
{
	(void)state;
	fake.open_error = ENOENT;
	write_file("a.conf", "# nothing\n");
	assert_run("apply", "a.conf", "nothing to do\n");
	write_file("a.conf", "fabric a {}\n");
	assert_int_equal(run_with("apply", "a.conf")->code, EXIT_UNSUPPORTED);
}

static void plans_are_printed_as_json(void **state)
{
	json_t *value;

	(void)state;
	write_file("a.conf", "fabric a {}\n");
	snprintf(words, sizeof(words), "apply --dry-run --json %s", path);
	value = run_json(words);
	assert_true(json_is_false(json_object_get(value, "done")));
	assert_int_equal(json_array_size(json_object_get(value, "commands")), 1);
	json_decref(value);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plan_is_commands),
		TEST(what_was_applied_needs_nothing),
		TEST(a_difference_is_a_command),
		TEST(what_is_said_twice_counts_once),
		TEST(a_difference_is_shown),
		TEST(what_was_applied_and_is_gone_is_removed),
		TEST(a_port_in_use_keeps_running),
		TEST(all_or_nothing),
		TEST(a_full_disk_changes_nothing),
		TEST(every_error_has_its_line),
		TEST(comments_of_each_kind_end),
		TEST(a_file_of_zeros_is_refused),
		TEST(what_is_found_must_be_roots_file),
		TEST(named_files_are_read_before_the_lock),
		TEST(a_name_is_in_one_file_only),
		TEST(a_file_is_replaced_but_no_device),
		TEST(a_file_of_another_user_is_not_trusted),
		TEST(a_link_to_a_pipe_is_written_to),
		TEST(the_umask_closes_no_directory),
		TEST(what_a_dead_apply_made_is_removed_later),
		TEST(any_configuration_is_reached_from_any),
		TEST(nothing_asked_for_needs_no_module),
		TEST(plans_are_printed_as_json),
	};
	char command[64];
	int failed;

	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return failed || system(command);
}
