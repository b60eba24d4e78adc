//===- Image.cpp - links objects into a relocation-free image ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The image is an ELF file of three program headers (R, R+X, GNU_STACK) that the runtime maps
// as it is: headers, kernel table, constants | page | code, then a symbol table for debuggers.
// The table, right after the program headers: "LNTC", u32 count, per kernel u32 name offset and
// u32 code offset, then the names.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/CPU.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"
#include <map>

using namespace mlir;
using namespace linnet::codegen;
using namespace llvm;
using ELFT = object::ELF64LE;

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kTable = sizeof(ELF::Elf64_Ehdr) + 3 * sizeof(ELF::Elf64_Phdr);

/// One input object, cut down to the sections that its kernel reaches.
struct Input {
  Input(const KernelObject &kernel, object::ELFFile<ELFT> file)
      : kernel(kernel), file(std::move(file)) {}
  const KernelObject &kernel;
  object::ELFFile<ELFT> file;
  ELFT::ShdrRange sections;
  ELFT::SymRange symbols;
  StringRef names;
  const ELFT::Sym *entry = nullptr;
  std::map<unsigned, std::vector<const ELFT::Rela *>> relocations;
  std::map<unsigned, uint64_t> address; ///< of every reached section, in order

  InFlightDiagnostic error() const {
    return emitError(kernel.loc) << "kernel '" << kernel.name << "' ";
  }
  StringRef name(const ELFT::Sym &s) const { return cantFail(s.getName(names)); }
  StringRef section(unsigned i) const { return cantFail(file.getSectionName(sections[i])); }
  uint64_t addressOf(const ELFT::Sym &s) const { return address.at(s.st_shndx) + s.st_value; }
};

class Linker {
public:
  explicit Linker(ArrayRef<KernelObject> objects) : objects(objects) {}
  FailureOr<Bytes> link();

private:
  LogicalResult read(const KernelObject &kernel);
  LogicalResult reach(Input &in);
  void place();
  void placeSections(bool executable);
  LogicalResult relocate(Input &in);
  LogicalResult relocate(Input &in, unsigned section, const ELFT::Rela &r);
  void writeTable();
  std::vector<ELF::Elf64_Sym> findSymbols(std::string &names) const;
  void writeSymbolsAndHeaders();
  template <typename T> uint64_t append(ArrayRef<T> items);

  ArrayRef<KernelObject> objects;
  std::vector<Input> inputs;
  Bytes bytes;
  uint64_t position = 0, constants = 0, constantsEnd = 0, code = 0, codeEnd = 0;
};

} // namespace

LogicalResult Linker::read(const KernelObject &kernel) {
  auto file = object::ELFFile<ELFT>::create(StringRef(kernel.object.data(), kernel.object.size()));
  if (!file)
    return emitError(kernel.loc) << "kernel '" << kernel.name
                                 << "' is no object: " << toString(file.takeError());
  Input in(kernel, std::move(*file));
  auto sections = in.file.sections();
  if (!sections)
    return in.error() << "has no sections: " << toString(sections.takeError());
  in.sections = *sections;
  for (const ELFT::Shdr &s : in.sections) {
    if (s.sh_type == ELF::SHT_SYMTAB) {
      in.symbols = cantFail(in.file.symbols(&s));
      in.names = cantFail(in.file.getStringTableForSymtab(s));
    }
    if (s.sh_type == ELF::SHT_RELA)
      for (const ELFT::Rela &r : cantFail(in.file.relas(s)))
        in.relocations[s.sh_info].push_back(&r);
  }
  for (const ELFT::Sym &s : in.symbols.drop_front(!in.symbols.empty())) { // the first is none
    if (s.st_shndx == ELF::SHN_UNDEF)
      return in.error() << "needs the outside symbol '" << in.name(s) << "'";
    if (s.getType() == ELF::STT_FUNC && in.name(s) == kernel.name)
      in.entry = &s;
  }
  if (!in.entry)
    return in.error() << "is not defined by its object";
  inputs.push_back(std::move(in));
  return success();
}

/// Keeps what the kernel's function refers to, section by section.
LogicalResult Linker::reach(Input &in) {
  SmallVector<unsigned> work = {in.entry->st_shndx};
  in.address[in.entry->st_shndx] = 0;
  while (!work.empty()) {
    unsigned s = work.pop_back_val();
    if (in.sections[s].sh_flags & (ELF::SHF_WRITE | ELF::SHF_TLS))
      return in.error() << "has writable data in section '" << in.section(s) << "'";
    for (const ELFT::Rela *r : in.relocations[s]) {
      const ELFT::Sym &symbol = in.symbols[r->getSymbol(false)];
      if (symbol.st_shndx >= in.sections.size())
        return in.error() << "needs the absolute symbol '" << in.name(symbol) << "'";
      if (in.address.emplace(symbol.st_shndx, 0).second)
        work.push_back(symbol.st_shndx);
    }
  }
  return success();
}

void Linker::placeSections(bool executable) {
  for (Input &in : inputs)
    for (auto &[s, at] : in.address) {
      const ELFT::Shdr &section = in.sections[s];
      if (bool(section.sh_flags & ELF::SHF_EXECINSTR) != executable)
        continue;
      position = alignTo(position, std::max<uint64_t>(section.sh_addralign, executable ? 64 : 16));
      at = position;
      position += section.sh_size;
    }
}

void Linker::place() {
  position = kTable + 8 + 8 * inputs.size();
  for (const Input &in : inputs)
    position += in.kernel.name.size() + 1;
  constants = position = alignTo(position, 64);
  placeSections(/*executable=*/false);
  constantsEnd = position;
  code = position = alignTo(position, kPage);
  placeSections(/*executable=*/true);
  codeEnd = position;
  bytes.assign(codeEnd, 0);
  std::fill(bytes.begin() + code, bytes.end(), char(0xcc)); // int3 between functions
  for (Input &in : inputs)
    for (auto [s, at] : in.address) {
      ArrayRef<uint8_t> contents = cantFail(in.file.getSectionContents(in.sections[s]));
      std::copy(contents.begin(), contents.end(), bytes.begin() + at);
    }
}

LogicalResult Linker::relocate(Input &in, unsigned section, const ELFT::Rela &r) {
  const ELFT::Sym &symbol = in.symbols[r.getSymbol(false)];
  uint64_t place = in.address[section] + r.r_offset;
  int64_t value = int64_t(in.addressOf(symbol) + r.r_addend - place);
  switch (r.getType(false)) {
  case ELF::R_X86_64_PC32:
  case ELF::R_X86_64_PLT32:
    if (!isInt<32>(value))
      return in.error() << "refers to '" << in.name(symbol) << "' over more than 2 GiB";
    support::endian::write32le(&bytes[place], value);
    return success();
  case ELF::R_X86_64_PC64:
    support::endian::write64le(&bytes[place], value);
    return success();
  default:
    return in.error() << "needs relocation "
                      << object::getELFRelocationTypeName(ELF::EM_X86_64, r.getType(false))
                      << " to '" << in.name(symbol) << "' in section '" << in.section(section)
                      << "'";
  }
}

LogicalResult Linker::relocate(Input &in) {
  for (auto &[section, at] : in.address)
    for (const ELFT::Rela *r : in.relocations[section])
      if (failed(relocate(in, section, *r)))
        return failure();
  return success();
}

void Linker::writeTable() {
  char *table = bytes.data() + kTable;
  std::copy_n("LNTC", 4, table);
  support::endian::write32le(table + 4, inputs.size());
  uint64_t at = kTable + 8 + 8 * inputs.size();
  for (auto [i, in] : enumerate(inputs)) {
    support::endian::write32le(table + 8 + 8 * i, at);
    support::endian::write32le(table + 12 + 8 * i, in.addressOf(*in.entry));
    std::copy(in.kernel.name.begin(), in.kernel.name.end(), bytes.begin() + at);
    at += in.kernel.name.size() + 1;
  }
}

template <typename T> uint64_t Linker::append(ArrayRef<T> items) {
  bytes.resize(alignTo(bytes.size(), 8));
  uint64_t at = bytes.size();
  auto *data = reinterpret_cast<const char *>(items.data());
  bytes.append(data, data + items.size() * sizeof(T));
  return at;
}

/// Kernels by name, for debuggers and profilers.
std::vector<ELF::Elf64_Sym> Linker::findSymbols(std::string &names) const {
  std::vector<ELF::Elf64_Sym> symbols(1);
  names.push_back('\0');
  for (const Input &in : inputs)
    for (const ELFT::Sym &s : in.symbols)
      if (s.getType() == ELF::STT_FUNC && in.address.count(s.st_shndx)) {
        ELF::Elf64_Sym y{};
        y.st_name = names.size();
        y.setBindingAndType(ELF::STB_LOCAL, ELF::STT_FUNC);
        y.st_shndx = 2;
        y.st_value = in.addressOf(s);
        y.st_size = s.st_size;
        symbols.push_back(y);
        names += in.name(s).str() + '\0';
      }
  return symbols;
}

void Linker::writeSymbolsAndHeaders() {
  std::string names;
  std::vector<ELF::Elf64_Sym> symbols = findSymbols(names);
  const StringRef sections("\0.rodata\0.text\0.symtab\0.strtab\0.shstrtab\0", 41);
  uint64_t symbolsAt = append(ArrayRef(symbols));
  uint64_t namesAt = append(ArrayRef(names.data(), names.size()));
  uint64_t sectionsAt = append(ArrayRef(sections.data(), sections.size()));
  const ELF::Elf64_Shdr headers[6] = {
      {},
      {1, ELF::SHT_PROGBITS, ELF::SHF_ALLOC, constants, constants, constantsEnd - constants, 0, 0,
       64, 0},
      {9, ELF::SHT_PROGBITS, ELF::SHF_ALLOC | ELF::SHF_EXECINSTR, code, code, codeEnd - code, 0, 0,
       64, 0},
      {15, ELF::SHT_SYMTAB, 0, 0, symbolsAt, symbols.size() * sizeof(ELF::Elf64_Sym), 4,
       ELF::Elf64_Word(symbols.size()), 8, sizeof(ELF::Elf64_Sym)},
      {23, ELF::SHT_STRTAB, 0, 0, namesAt, names.size(), 0, 0, 1, 0},
      {31, ELF::SHT_STRTAB, 0, 0, sectionsAt, sections.size(), 0, 0, 1, 0}};
  ELF::Elf64_Ehdr header{};
  std::copy_n("\177ELF\2\1\1", 7, header.e_ident);
  header.e_type = ELF::ET_DYN;
  header.e_machine = ELF::EM_X86_64;
  header.e_version = 1;
  header.e_phoff = sizeof(header);
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(ELF::Elf64_Phdr);
  header.e_phnum = 3;
  header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 5;
  header.e_shoff = append(ArrayRef(headers));
  const ELF::Elf64_Phdr segments[3] = {
      {ELF::PT_LOAD, ELF::PF_R, 0, 0, 0, constantsEnd, constantsEnd, kPage},
      {ELF::PT_LOAD, ELF::PF_R | ELF::PF_X, code, code, code, codeEnd - code, codeEnd - code,
       kPage},
      {ELF::PT_GNU_STACK, ELF::PF_R | ELF::PF_W, 0, 0, 0, 0, 0, 0}};
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), segments, sizeof(segments));
}

FailureOr<Bytes> Linker::link() {
  inputs.reserve(objects.size());
  bool ok = true;
  for (const KernelObject &kernel : objects)
    ok &= succeeded(read(kernel)) && succeeded(reach(inputs.back()));
  if (!ok)
    return failure();
  place();
  for (Input &in : inputs)
    ok &= succeeded(relocate(in));
  if (!ok)
    return failure();
  writeTable();
  writeSymbolsAndHeaders();
  return std::move(bytes);
}

FailureOr<Bytes> linnet::codegen::buildImage(ArrayRef<KernelObject> objects) {
  return Linker(objects).link();
}
