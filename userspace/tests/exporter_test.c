// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "counters.h"
#include "exporter.h"
#include "exposition.h"
#include "fake.h"
#include "fakeproc.h"
#include "metrics.h"
#include "run.h"

static unsigned int descriptors;

static int setup(void **state)
{
	(void)state;
	fake_populate();
	descriptors = count_descriptors();
	return 0;
}

static int closes_what_it_opens(void **state)
{
	(void)state;
	return count_descriptors() != descriptors;
}

static void assert_has(const char *out, const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(out, whole))
		fail_msg("%s is not in %s", line, out);
}

static void ports_are_told_with_all_drops(void **state)
{
	const char *out = run("exporter")->out;

	(void)state;
	assert_has(out, "queztl_info{program=\"" LIBQUEZTL_VERSION
		   "\",module=\"0.1.0\",abi=\"11\",kernel=\"6.12.117-test\"} 1");
	assert_has(out, "queztl_feature_enabled{feature=\"direct\"} 1");
	assert_has(out, "queztl_feature_enabled{feature=\"channel\"} 0");
	assert_has(out, "# TYPE queztl_port_transmit_packets_total counter");
	assert_has(out, "queztl_port_transmit_packets_total{port=\"web0\",fabric=\"blue\"} 1000");
	assert_has(out, "queztl_port_transmit_paced_total{port=\"web0\",fabric=\"blue\"} 21");
	assert_has(out, "queztl_port_transmit_waited_total{port=\"web0\",fabric=\"blue\"} 12");
	assert_has(out, "queztl_port_drops_total{port=\"web0\",fabric=\"blue\",reason=\"no_port\"} 3");
	assert_has(out, "queztl_port_drops_total{port=\"web0\",fabric=\"blue\",reason=\"denied\"} 0");
	assert_has(out, "queztl_port_drops_total{port=\"web0\",fabric=\"blue\",reason=\"reason_15\"} 2");
	assert_has(out, "queztl_port_state{port=\"web0\",fabric=\"blue\",state=\"broken\"} 0");
	assert_has(out, "queztl_port_state{port=\"a-port-with-a-very-long-name-01\",fabric=\"blue\",state=\"broken\"} 1");
	assert_has(out, "queztl_port_link_up{port=\"web0\",fabric=\"blue\"} 1");
	fake.ports[0].port.mode = QUEZTL_PORT_LINK_DOWN | QUEZTL_PORT_UPLINK;
	out = run("exporter")->out;
	assert_has(out, "queztl_port_link_up{port=\"web0\",fabric=\"blue\"} 0");
	assert_has(out, "queztl_port_uplink{port=\"web0\",fabric=\"blue\"} 1");
}

/* Each counter that queztl stats has is a metric, whatever its name. */
static void no_counter_of_a_port_is_left_out(void **state)
{
	uint64_t number = 1000001;
	char text[32];

	(void)state;
	for (const struct counter *c = port_counters; c->key; c++)
		*(__u64 *)((char *)&fake.ports[0].stats + c->offset) = number++;
	run("exporter");
	for (number = 1000001; number < 1000013; number++) {
		snprintf(text, sizeof(text), "} %d\n", (int)number);
		assert_non_null(strstr(run("exporter")->out, text));
	}
	assert_null(port_counters[12].key);
}

static void vms_are_told(void **state)
{
	const char *out = run("exporter")->out;

	(void)state;
	assert_has(out, "queztl_vm_exits_total{vm=\"qemu-system-x86\",pid=\"\",id=\"3\"} 1234567");
	assert_has(out, "queztl_vm_halt_exits_total{vm=\"qemu-system-x86\",pid=\"\",id=\"3\"} 77");
	assert_has(out, "queztl_foreign_vms 0");
	fake.vms[0].foreign = true;
	out = run("exporter")->out;
	assert_has(out, "queztl_foreign_vms 1");
	assert_null(strstr(out, "qemu-system-x86"));
}

/* What a tenant calls a VM must not end a label, a line or a terminal's text. */
static void names_are_escaped(void **state)
{
	struct label labels[] = { { "vm", "a\"b\\c\nd\033[31m\xff\xc3\xa9" },
				  { NULL, NULL } };
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	print_count(to, "x", labels, 7);
	print_seconds(to, "y", NULL, 1234000005678);
	fclose(to);
	assert_string_equal(text, "x{vm=\"a\\\"b\\\\c?d?[31m?\xc3\xa9\"} 7\n"
			    "y 1234.000005678\n");
	free(text);
}

static unsigned int count_text(const char *text, const char *part)
{
	unsigned int count = 0;

	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

/* Prometheus refuses all metrics if a series is told twice. */
static void deleted_port_gives_way_to_its_successor(void **state)
{
	static const char series[] = "\nqueztl_port_kicks_total{port=\"web0\"";

	(void)state;
	fake.ports[1].port = fake.ports[0].port;
	fake.ports[1].port.id = 11;
	fake.ports[0].port.state = QUEZTL_PORT_OPEN | QUEZTL_PORT_DELETED;
	fake.ports[1].stats.kicks = 3;
	assert_has(run("exporter")->out,
		   "queztl_port_kicks_total{port=\"web0\",fabric=\"blue\"} 3");
	assert_int_equal(count_text(run("exporter")->out, series), 1);
	fake.ports[1].port.state |= QUEZTL_PORT_DELETED;
	assert_int_equal(count_text(run("exporter")->out, series), 1);
	fake.ports[1].port.id = 0;
	assert_int_equal(count_text(run("exporter")->out, series), 1);
	assert_has(run("exporter")->out,
		   "queztl_port_state{port=\"web0\",fabric=\"blue\",state=\"deleted\"} 1");
}

static void set_threads(uint64_t vcpu, uint64_t other)
{
	set_thread(getpid(), (struct fake_thread){ .tid = getpid(),
		.cpu = 500, .ready = 70, .switches = 2 });
	set_thread(getpid(), (struct fake_thread){ .tid = 4242,
		.cpu = vcpu, .ready = 1500000000, .switches = 3 });
	if (other)
		set_thread(getpid(), (struct fake_thread){ .tid = 4243,
			.cpu = other, .switches = 1 });
}

static char *render(struct exporter *exporter)
{
	char *text;
	size_t size;

	assert_int_equal(render_metrics(exporter, &text, &size), 0);
	return text;
}

/* A thread that ends must not make the counter of all threads decrease. */
static void counters_of_vms_never_decrease(void **state)
{
	struct exporter exporter = { .continuous = true };
	char vcpu[160], other[160], *text;

	(void)state;
	fakeproc_begin();
	add_process(getpid(), 5, "x");
	snprintf(vcpu, sizeof(vcpu), "queztl_vm_cpu_ready_seconds_total{vm=\"x\",pid=\"%d\",thread=\"vcpu\"} 1.500000000",
		 getpid());
	snprintf(other, sizeof(other), "queztl_vm_cpu_seconds_total{vm=\"x\",pid=\"%d\",thread=\"other\"} 2.000000500",
		 getpid());
	set_threads(9, 2000000000);
	text = render(&exporter);
	assert_has(text, vcpu);
	assert_has(text, other);
	free(text);
	remove_thread(getpid(), 4243);
	text = render(&exporter);
	assert_has(text, other);
	free(text);
	free_sample(&exporter.sample);
	close_reader(&exporter.reader);
	/* Who comes later cannot know, and so does not tell. */
	text = strdup(run("exporter")->out);
	assert_null(strstr(text, "thread=\"other\""));
	assert_has(text, vcpu);
	free(text);
	fakeproc_end();
}

static void missing_module_is_told(void **state)
{
	(void)state;
	fake.open_error = ENOENT;
	assert_int_equal(run("exporter")->code, EXIT_OK);
	assert_non_null(strstr(run("exporter")->out, "\nqueztl_up 0\n"));
	assert_null(strstr(run("exporter")->out, "queztl_port"));
	fake.open_error = EACCES;
	assert_fails("exporter", EXIT_NO_PERMISSION, "sudo");
	fake.open_error = 0;
	fake.call_error = ENOMEM;
	assert_fails("exporter", EXIT_FAILED, "cannot read the counters");
}

static void file_is_replaced_whole(void **state)
{
	struct stat device;
	char path[] = "/tmp/queztl-exporter-XXXXXX", words[64], text[64] = "";
	FILE *file;

	(void)state;
	close(mkstemp(path));
	snprintf(words, sizeof(words), "exporter -o %s", path);
	assert_string_equal(run(words)->out, "");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "# HELP queztl_up 1 if queztl.ko is loaded and responds.\n");
	unlink(path);
	assert_int_equal(run("exporter -o /dev/null")->code, EXIT_OK);
	assert_return_code(stat("/dev/null", &device), errno);
	assert_true(S_ISCHR(device.st_mode));	/* it was not replaced */
	assert_int_equal(run("exporter -o /dev/full")->code, EXIT_FAILED);
	assert_fails("exporter -o /nonexistent/x.prom", EXIT_NO_OBJECT,
		     "cannot write /nonexistent/x.prom");
}

static int judge(const char *request)
{
	bool head;

	return judge_request(request, strlen(request), &head);
}

static void only_gets_of_the_metrics_are_served(void **state)
{
	static const char zeros[64];
	bool head;

	(void)state;
	assert_int_equal(judge("GET /metrics HTTP/1.0\r\n\r\n"), 200);
	assert_int_equal(judge("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(judge("GET /metrics?x=y HTTP/1.1\n\n"), 200);
	assert_int_equal(judge("GET /metrics HTTP/1.0\r\n"), REQUEST_INCOMPLETE);
	assert_int_equal(judge(""), REQUEST_INCOMPLETE);
	assert_int_equal(judge("GET / HTTP/1.0\r\n\r\n"), 404);
	assert_int_equal(judge("GET /metricsx HTTP/1.0\r\n\r\n"), 404);
	assert_int_equal(judge("GET /metric HTTP/1.0\r\n\r\n"), 404);
	assert_int_equal(judge("POST /metrics HTTP/1.0\r\n\r\n"), 405);
	assert_int_equal(judge("get /metrics HTTP/1.0\r\n\r\n"), 405);
	assert_int_equal(judge("GET /metrics\r\n\r\n"), 400);
	assert_int_equal(judge("GET  /metrics HTTP/1.0\r\n\r\n"), 400);
	assert_int_equal(judge("GET /metrics HTTP/2.0\r\n\r\n"), 400);
	assert_int_equal(judge("\r\n\r\n"), 400);
	assert_int_equal(judge("\n\n"), 400);
	assert_int_equal(judge_request(zeros, sizeof(zeros), &head),
			 REQUEST_INCOMPLETE);
	assert_int_equal(judge_request("HEAD /metrics HTTP/1.0\r\n\r\n", 26,
				       &head), 200);
	assert_true(head);
}

static bool is_address(const char *text)
{
	struct listen_address address;

	return parse_listen_address(text, &address);
}

static void other_hosts_are_not_served(void **state)
{
	static const char *const refused[] = {
		"0.0.0.0:9000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
		"127.0.0.1:9000x", "127.0.0.1:-1", "[::]:9000", "::1:9000",
		"[::1]", "localhost:9000", ":9000", "9000", "", "127.0.0.10:1",
	};
	char words[64];

	(void)state;
	assert_true(is_address("127.0.0.1:9000"));
	assert_true(is_address("[::1]:65535"));
	assert_true(is_address("/run/queztl/exporter.socket"));
	assert_true(is_address("./x"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (is_address(refused[i]))
			fail_msg("%s is accepted", refused[i]);
	for (size_t i = 0; i < 4; i++) {
		snprintf(words, sizeof(words), "exporter --listen=%s", refused[i]);
		assert_fails(words, EXIT_USAGE, "other hosts are not served");
	}
}

static void options_are_checked(void **state)
{
	(void)state;
	assert_fails("exporter -o", EXIT_USAGE, "missing value for -o");
	assert_fails("exporter --listen", EXIT_USAGE, "missing value for --listen");
	assert_fails("exporter -o x --listen /y", EXIT_USAGE, "exclude each other");
	assert_fails("exporter --json", EXIT_USAGE, "queztl stats --json");
	assert_fails("exporter x", EXIT_USAGE, "unexpected argument 'x'");
	assert_fails("exporter --listen /nonexistent/x", EXIT_NO_OBJECT,
		     "cannot listen at /nonexistent/x");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, closes_what_it_opens)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ports_are_told_with_all_drops),
		TEST(no_counter_of_a_port_is_left_out),
		TEST(vms_are_told),
		TEST(names_are_escaped),
		TEST(deleted_port_gives_way_to_its_successor),
		TEST(counters_of_vms_never_decrease),
		TEST(missing_module_is_told),
		TEST(file_is_replaced_whole),
		TEST(only_gets_of_the_metrics_are_served),
		TEST(other_hosts_are_not_served),
		TEST(options_are_checked),
	};

	return cmocka_run_group_tests_name("exporter", tests, NULL, NULL);
}
