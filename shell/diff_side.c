// SPDX-License-Identifier: Apache-2.0
/* The two sides of a diff: a snapshot from the catalog, the living application from its keeper. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/client.h"
#include "shell/diff.h"
#include "shell/wire.h"
#include "snap/snap.h"

#include <sys/mman.h>
#include <sys/stat.h>

void diff_side_release(struct diff_side *side)
{
	inspect_close(side->in);
	if (side->shared)
		munmap(side->shared, side->shared_bytes);
	*side = (struct diff_side){0};
}

int diff_side_snapshot(struct request *rq, const char *ref, struct diff_side *side,
		       struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);

	if (!cat)
		return -1;
	return snap_ref(cat, ref, shell_selected(rq->shell), &side->app, &side->snap, err);
}

/* The model that the keeper's answer holds. */
static Sn__Image *take_image(const json_t *result)
{
	size_t len = 0;
	sn_auto_free char *packed = wire_unbytes(json_object_get(result, "image"), &len);

	return packed ? sn__image__unpack(NULL, len, (uint8_t *)packed) : NULL;
}

/* Maps what the keeper has passed: pages, then the runs of the page map. */
static int map_passed(struct diff_side *side, int fd, uint64_t pages, uint64_t runs,
		      struct pagemap *map, struct sn_err *err)
{
	uint64_t bytes = pages * PAGE_BYTES + runs * sizeof(*map->runs);
	const struct page_run *list;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != bytes)
		return sn_fail(err, "%s: its keeper's answer is not whole", side->app.name);
	if (!bytes)
		return 0;
	side->shared = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (side->shared == MAP_FAILED) {
		side->shared = NULL;
		return sn_fail_sys(err, "map what the keeper of %s has passed", side->app.name);
	}
	side->shared_bytes = bytes;
	list = (const struct page_run *)((const char *)side->shared + pages * PAGE_BYTES);
	for (uint64_t i = 0; i < runs; i++)
		pagemap_append(map, list[i].key, list[i].count, list[i].loc);
	return 0;
}

int diff_side_living(struct request *rq, bool memory, struct diff_side *side, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	const char *command = memory ? "look" : "image";
	json_t *result = NULL;
	sn_auto_fd int fd = -1;
	Sn__Image *image;
	uint64_t pages, runs;

	if (client_call_fd(rq->shell, &side->app, command, json_object(), &result, &fd, err) < 0)
		return -1;
	image = take_image(result);
	pages = (uint64_t)wire_number(result, "pages");
	runs = (uint64_t)wire_number(result, "runs");
	side->stop_ns = wire_number(result, "stop_ns");
	json_decref(result);
	if (!image)
		return sn_fail(err, "%s: its keeper's answer is no image", side->app.name);
	if (memory && map_passed(side, fd, pages, runs, &map, err) < 0) {
		sn__image__free_unpacked(image, NULL);
		return -1;
	}
	return inspect_open_living(&side->in, rq->shell->catalog, rq->shell->debug, image, &map,
				   side->shared, pages, err);
}
