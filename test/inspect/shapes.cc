// SPDX-License-Identifier: Apache-2.0
/* What C++ adds: namespaces, classes with bases and virtual ones, templates, references, lambdas. */
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace geo {
struct Point {
	int x, y;
	Point(int a, int b) : x(a), y(b) {}
	virtual ~Point() = default;
	int sum() const { return x + y; }
	virtual int area(long, char) { return 0; }
	static Point origin() { return Point(0, 0); }
};
class Named : public Point {
	const char *name;
protected:
	static int made;
public:
	enum class Kind : unsigned char { small, large = 7 };
	Kind kind = Kind::large;
	Named(int a, int b, const char *n) : Point(a, b), name(n) { made++; }
	const char *called() const { return name; }
	void stop(int depth);
	friend int main(int, char **);
};
int Named::made;
enum Plain { first, second = 5 };
template <typename T, int N> struct Box {
	T items[N];
	T &at(int i) { return items[i]; }
};
namespace {
int hidden = 17;
}
}
struct Left { int l = 1; };
struct Right { long r = 2; };
struct Both : Left, virtual Right { int b = 3; };
union Any { int i; float f; char c[4]; };
using Pair = std::pair<int, const char *>;

static geo::Named named(3, 4, "corner");
static struct Members {
	int geo::Point::*data = &geo::Point::y, geo::Point::*none = nullptr;
	int geo::Named::*inherited = &geo::Named::x;
	int (geo::Point::*method)() const = &geo::Point::sum;
	int (geo::Point::*table)(long, char) = &geo::Point::area;
	int (geo::Point::*nothing)() = nullptr;
} members __attribute__((used));
static geo::Point &reference = named;
static geo::Point *base = &named;
static geo::Box<int, 3> box = {{1, 2, 3}};
static geo::Box<geo::Plain, 2> plains = {{geo::first, geo::second}};
static Both both;
static Any any = {.i = 65};
static bool yes = true;
static std::string text = "hello";
static std::vector<int> numbers = {1, 2, 3};
static std::unique_ptr<geo::Point> owned(new geo::Named(8, 9, "owned"));
static Pair pair = {1, "one"};
static char16_t wide = u'x';
static decltype(nullptr) nil = nullptr;
static const int &constant = 5;
static int &&moved = 6;

__attribute__((noinline)) void geo::Named::stop(int depth)
{
	int here = depth * 2;
	if (depth) {
		stop(depth - 1);
		here++;
		return;
	}
	auto lambda = [&](int more) { here += more; pause(); return here; };
	lambda(hidden);
}

int main(int, char **)
{
	puts("ready"); fflush(stdout);
	named.stop(2);
	return (int)(yes + (long)&both + any.i + numbers.size() + text.size() + owned->x + pair.first + wide + (nil == nullptr) + constant + moved + plains.items[0] + box.at(1) + reference.x + base->x);
}
