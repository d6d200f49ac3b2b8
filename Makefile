# What a newcomer types: `make`, `make demo`, `make test`. It needs make and sh; the rest it has installed (as root,
# on Debian and Ubuntu). Developers may use the presets in CMakePresets.json directly.
#
#   V=1      show every command          JOBS=n      parallel jobs (default: the cores)
#   PREFIX=, DESTDIR=    where `make install` puts things (default /usr/local)
#   DATA=DIR             a local copy of the demo's data (make demo)

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export DATA DESTDIR
MAKEFLAGS += --no-print-directory

# Ninja where there is one. Asked by the shell when it is needed: `deps` may just have installed it.
GENERATOR = $$(command -v ninja >/dev/null 2>&1 && echo Ninja || echo 'Unix Makefiles')

all: program
	@printf '%-10s %s\n' ready build/twindex

help:
	@echo 'make            build/twindex, installing what is missing'
	@echo 'make demo       the whole story on MovieLens-100K: train, ingest, serve, query'
	@echo 'make demo-images  the same emoji drawn by two vendors: ask with an image, and with words'
	@echo 'make demo-audio  which drums sound alike? trained on ten kits, asked with three others'
	@echo 'make test       build with every check on, run all tests'
	@echo 'make bench      measure this machine'
	@echo 'make bench-peers  install what bench/speed compares with, pinned, into build/peer'
	@echo 'make install    program, library, headers, licence to PREFIX ($(PREFIX))'
	@echo 'make clean      remove build/ (the FAISS built for this machine stays in the cache)'

program: deps
	@$(call configure,default,build)
	@$(call build,build)

test: deps-test
	@$(call configure,test,build/test)
	@$(call build,build/test)
	@ctest --test-dir build/test --no-tests=error --output-on-failure -j $(JOBS)

demo: deps-demo program
	@sh demo/demo.sh

demo-images: deps-demo-images program
	@sh demo/demo_images.sh

demo-audio: deps-demo program
	@sh demo/demo_audio.sh

bench: program
	@sh bench/speed/run.sh

bench-peers:
	@sh bench/peers.sh

install: program
	@cmake --install build --prefix '$(PREFIX)' >build/install.log || { cat build/install.log; exit 1; }
	@printf '%-10s %s\n' installed '$(DESTDIR)$(PREFIX)'

clean:
	@rm -rf build

deps:
	@sh cmake/deps.sh build
deps-test:
	@sh cmake/deps.sh build test
deps-demo:
	@sh cmake/deps.sh build demo
deps-demo-images:
	@sh cmake/deps.sh build demo-images

# $(call configure,PRESET,FOLDER): once. Afterwards the build itself sees when CMake must run again. What
# takes long in it (building FAISS, the first time) speaks on stderr.
define configure
if [ ! -f $(2)/build.ninja ] && [ ! -f $(2)/Makefile ]; then \
    printf '%-10s %s\n' configure $(2); mkdir -p $(2); \
    if ! cmake --preset $(1) -G "$(GENERATOR)" >$(2)/configure.log; then \
        rm -rf $(2)/CMakeCache.txt $(2)/build.ninja $(2)/Makefile; exit 1; \
    fi; \
fi
endef

# $(call build,FOLDER): on a terminal one moving line, in a log one line; on failure what the compiler said.
define build
if [ -n "$(V)" ]; then cmake --build $(1) --parallel $(JOBS) --verbose; \
elif [ -t 1 ]; then printf '%-10s %s\n' build $(1); cmake --build $(1) --parallel $(JOBS); \
else \
    printf '%-10s %s\n' build $(1); \
    cmake --build $(1) --parallel $(JOBS) >$(1)/build.log 2>&1 || { \
        grep -v '^\[[0-9/]*\] \|^\[ *[0-9]*%\]' $(1)/build.log | tail -n 60; \
        echo "the build failed; all of it is in $(1)/build.log"; exit 1; }; \
    grep -A 6 'warning:' $(1)/build.log | grep -v '^\[' || true; \
fi
endef

.PHONY: all help program test demo demo-images demo-audio bench bench-peers install clean deps deps-test deps-demo \
    deps-demo-images
