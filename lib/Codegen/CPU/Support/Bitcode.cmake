# Memory.c and Math.cc as target-independent bitcode, as bytes that Bitcode.cpp includes. -march
# only fixes how 16-lane vectors are passed; the kernel's own target replaces it.
set(support ${CMAKE_CURRENT_SOURCE_DIR}/Codegen/CPU/Support)
set(supportOut ${CMAKE_BINARY_DIR}/include/linnet-support)
file(MAKE_DIRECTORY ${supportOut})
set(supportFlags -O1 -fno-vectorize -fno-slp-vectorize -march=x86-64-v4 -ffreestanding -fno-builtin
  -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-exceptions -fno-unwind-tables
  -fno-asynchronous-unwind-tables -fno-ident -fPIC -Wall -Wextra -Werror
  -Wno-bitwise-conditional-parentheses -Wno-unused-function -emit-llvm -c)
file(GLOB supportHeaders CONFIGURE_DEPENDS ${support}/*.inc)

function(embed_bitcode name source)
  add_custom_command(OUTPUT ${supportOut}/${name}.inc
    COMMAND ${ARGN} ${supportFlags} ${source} -o ${supportOut}/${name}.bc
    COMMAND ${CMAKE_COMMAND} -DIN=${supportOut}/${name}.bc -DOUT=${supportOut}/${name}.inc
            -P ${support}/Embed.cmake
    DEPENDS ${source} ${supportHeaders} ${support}/Embed.cmake
    COMMENT "Support functions: ${name}")
endfunction()
embed_bitcode(Memory ${support}/Memory.c ${CMAKE_C_COMPILER} -std=c11)
embed_bitcode(Math ${support}/Math.cc ${CMAKE_CXX_COMPILER} -std=c++17)
set_source_files_properties(${support}/Bitcode.cpp PROPERTIES
  OBJECT_DEPENDS "${supportOut}/Memory.inc;${supportOut}/Math.inc" SKIP_PRECOMPILE_HEADERS ON)
