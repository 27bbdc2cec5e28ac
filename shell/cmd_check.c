// SPDX-License-Identifier: Apache-2.0
#include "core/kernel/caps.h"
#include "shell/commands.h"
#include "shell/wire.h"

int cmd_check(struct request *rq, struct sn_err *err)
{
	struct kernel_cap rows[KERNEL_CAPS_MAX];
	struct kernel_caps caps;
	size_t count;

	if (kernel_probe(&caps, err) < 0)
		return sn_ctx(err, "check");
	count = kernel_caps_list(&caps, rows, KERNEL_CAPS_MAX);
	rq->result = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rq->result,
				      json_pack("{s:s, s:b, s:s, s:s}", "name", rows[i].name,
						"present", rows[i].present, "detail",
						rows[i].detail, "cost", rows[i].cost));
	return 0;
}

void render_check(FILE *out, const struct request *rq)
{
	for (size_t i = 0; i < json_array_size(rq->result); i++) {
		const json_t *row = json_array_get(rq->result, i);
		bool present = json_is_true(json_object_get(row, "present"));

		fprintf(out, "%-4s %-24s %s\n", present ? "yes" : "no", wire_string(row, "name"),
			wire_string(row, "detail"));
		if (!present)
			fprintf(out, "%-4s %-24s   without it: %s\n", "", "",
				wire_string(row, "cost"));
	}
}
