# Memory.bc and Math.bc: target-independent bitcode of what kernels may call. -march only fixes how
# 16-lane vectors are passed; the kernel's own target replaces it.
set(support ${CMAKE_CURRENT_SOURCE_DIR}/Codegen/CPU/Support)
set(supportOut ${CMAKE_BINARY_DIR}/include/linnet-support)
file(MAKE_DIRECTORY ${supportOut})
set(supportFlags -O1 -fno-vectorize -fno-slp-vectorize -march=x86-64-v4 -ffreestanding -fno-builtin
  -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-exceptions -fno-unwind-tables
  -fno-asynchronous-unwind-tables -fno-ident -fPIC -Wall -Wextra -Werror -emit-llvm -c)
add_custom_command(OUTPUT ${supportOut}/Memory.bc
  COMMAND ${CMAKE_C_COMPILER} -std=c11 ${supportFlags} ${support}/Memory.c -o ${supportOut}/Memory.bc
  DEPENDS ${support}/Memory.c COMMENT "Support functions: Memory.bc")
file(GLOB supportHeaders CONFIGURE_DEPENDS ${support}/*.inc)
add_custom_command(OUTPUT ${supportOut}/Math.bc
  COMMAND ${CMAKE_CXX_COMPILER} -std=c++17 ${supportFlags} ${support}/Math.cc -o ${supportOut}/Math.bc
  DEPENDS ${support}/Math.cc ${supportHeaders} COMMENT "Support functions: Math.bc")
set_source_files_properties(${support}/Bitcode.cpp PROPERTIES
  OBJECT_DEPENDS "${supportOut}/Memory.bc;${supportOut}/Math.bc"
  COMPILE_OPTIONS "--embed-dir=${supportOut}" SKIP_PRECOMPILE_HEADERS ON)
