# cmake -DIN=FILE -DOUT=FILE.inc -P Embed.cmake: the bytes of a file as a list of numbers.
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT} "${bytes}\n")
