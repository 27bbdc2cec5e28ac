// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/match.h"

#include "core/base/mem.h"

enum { WORD_BYTES = 8, ZEROS_BYTES = 1 << 16 };

void match_init(struct match *m)
{
	m->is_zeros = m->pattern ? true : m->low == 0;
	for (size_t i = 0; m->pattern && i < m->len; i++)
		m->is_zeros &= m->pattern[i] == 0;
	m->next = 0;
	m->tail_len = 0;
	m->tail = m->pattern ? sn_malloc(2 * m->len) : NULL;
}

void match_release(struct match *m)
{
	free(m->tail);
	m->tail = NULL;
}

/* ---- pointers: aligned words never lie in two pages ---- */

static bool match_words(struct match *m, uint64_t addr, const uint8_t *bytes, uint64_t len)
{
	uint64_t size = m->high - m->low, word;

	for (uint64_t at = -addr % WORD_BYTES; at + WORD_BYTES <= len; at += WORD_BYTES) {
		memcpy(&word, bytes + at, sizeof(word));
		if (word - m->low < size && !m->hit(m->arg, addr + at))
			return false;
	}
	return true;
}

/* ---- bytes ---- */

/* Those that begin in the first `starts` of `len` bytes. */
static bool match_in(struct match *m, uint64_t addr, const uint8_t *bytes, uint64_t len,
		     uint64_t starts)
{
	const uint8_t *at = bytes, *end = bytes + len;

	while ((at = memmem(at, (size_t)(end - at), m->pattern, m->len))) {
		if ((uint64_t)(at - bytes) >= starts)
			break;
		if (!m->hit(m->arg, addr + (uint64_t)(at - bytes)))
			return false;
		at++;
	}
	return true;
}

/* What begins in the tail and ends in the piece. */
static bool match_joint(struct match *m, uint64_t addr, const uint8_t *bytes, uint64_t len)
{
	size_t head = len < m->len - 1 ? len : m->len - 1;

	memcpy(m->tail + m->tail_len, bytes, head);
	return match_in(m, addr - m->tail_len, m->tail, m->tail_len + head, m->tail_len);
}

/* The last bytes of tail and piece together become the tail. */
static void keep_tail(struct match *m, const uint8_t *bytes, uint64_t len)
{
	size_t most = m->len - 1, old;

	if (len >= most) {
		memcpy(m->tail, bytes + (len - most), most);
		m->tail_len = most;
		return;
	}
	old = m->tail_len < most - len ? m->tail_len : most - len;
	memmove(m->tail, m->tail + (m->tail_len - old), old);
	memcpy(m->tail + old, bytes, len);
	m->tail_len = old + len;
}

bool match_bytes(struct match *m, uint64_t addr, const uint8_t *bytes, uint64_t len)
{
	if (!m->pattern)
		return match_words(m, addr, bytes, len);
	if (addr != m->next)
		m->tail_len = 0;
	m->next = addr + len;
	if (m->tail_len && !match_joint(m, addr, bytes, len))
		return false;
	if (!match_in(m, addr, bytes, len, len))
		return false;
	keep_tail(m, bytes, len);
	return true;
}

bool match_zeros(struct match *m, uint64_t addr, uint64_t len)
{
	static const uint8_t zeros[ZEROS_BYTES];
	uint64_t most = m->pattern ? m->len - 1 : 0;

	if (!m->is_zeros && len > 2 * most) {
		/* What ends in them, then what begins in them. */
		if (most && !match_zeros(m, addr, most))
			return false;
		addr += len - most;
		len = most;
	}
	while (len > 0) {
		uint64_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		if (!match_bytes(m, addr, zeros, n))
			return false;
		addr += n;
		len -= n;
	}
	return true;
}
