// SPDX-License-Identifier: Apache-2.0
// C++ for the target of gdb's protocol: what is looked at is gdb's business, how it reads is ours.
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace shapes {

struct shape {
	virtual ~shape() = default;
	virtual double area() const = 0;
	std::string name{"a shape with a name that is no short one"};
};

struct square : shape {
	explicit square(double side_) : side(side_) {}
	double area() const override { return side * side; }
	double side;
};

thread_local std::vector<int> numbers{1, 2, 3};

template <typename T> void __attribute__((noinline)) rest(const T &what, int depth)
{
	T copy = what;

	if (depth > 0)
		rest(copy, depth - 1);
	if (depth == 0) {
		std::puts("ready");
		std::fflush(stdout);
	}
	for (;;)
		pause();
}

} // namespace shapes

static std::map<std::string, int> ages{{"one", 1}, {"two", 2}};
static shapes::shape *some = new shapes::square(1.5);

int main()
{
	std::thread other([] {
		shapes::numbers.push_back(4);
		shapes::rest(ages, -1);
	});

	usleep(100000);
	shapes::numbers.push_back(5);
	shapes::rest(some->name, 5);
}
