//===- TrainStep.cpp - the dispatches of a decoder's train step -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Graphs.h"

namespace linnet::test::graphs {
namespace {

/// Times are nanoseconds at 50 GFLOP/s and 10 GB/s.
class Decoder {
public:
  Decoder(int64_t tokens, int64_t width) : n(tokens), d(width), row(tokens * width * 4) {
    graph.family = "train-step";
  }
  void build(int layers, int64_t vocabulary);
  Graph graph;

private:
  struct Linear {
    int input = -1, weight = -1, bias = -1;
    int64_t in = 0, out = 0;
  };
  struct Norm {
    int input = -1, stats = -1, scale = -1, shift = -1;
  };
  struct Layer {
    Norm norm1, norm2;
    Linear q, k, v, o, up, down;
    int heads[3], attended = -1, lse = -1, hidden = -1;
  };

  int64_t moved(int64_t bytes) const { return bytes / 10 + 500; }
  int64_t product(int64_t m, int64_t k, int64_t l) const { return 2 * m * k * l / 50 + 500; }
  int elementwise(std::vector<int> inputs, int64_t bytes, int reuse = -1);
  int linear(Linear &layer, int input, int64_t in, int64_t out);
  int linearGrad(const Linear &layer, int gradient);
  int norm(Norm &layer, int input);
  int normGrad(const Norm &layer, int gradient);
  void update(int parameter, int gradient);
  int forward(Layer &layer, int x);
  int backward(const Layer &layer, int gradient);

  int64_t n, d, row;
};

int Decoder::elementwise(std::vector<int> inputs, int64_t bytes, int reuse) {
  int64_t time = moved(bytes * int64_t(inputs.size() + 1));
  int node = graph.addNode(time, std::move(inputs), {bytes});
  graph.nodes[size_t(node)].mayReuse[0] = reuse;
  return graph.output(node);
}

int Decoder::linear(Linear &layer, int input, int64_t in, int64_t out) {
  layer.input = input;
  layer.in = in;
  layer.out = out;
  layer.weight = graph.addSource(in * out * 4);
  layer.bias = graph.addSource(out * 4);
  return graph.output(
      graph.addNode(product(n, in, out), {input, layer.weight, layer.bias}, {n * out * 4}));
}

void Decoder::update(int parameter, int gradient) {
  int64_t bytes = graph.values[size_t(parameter)].bytes;
  int m = graph.addSource(bytes), v = graph.addSource(bytes);
  int node = graph.addNode(moved(bytes * 7), {parameter, m, v, gradient}, {bytes, bytes, bytes});
  graph.nodes[size_t(node)].tied = {parameter, m, v};
  graph.nodes[size_t(node)].once = true;
  for (int i = 0; i < 3; ++i)
    graph.values[size_t(graph.output(node, i))].result = true;
}

/// The gradient of the input; those of weight and bias go to the optimizer.
int Decoder::linearGrad(const Linear &layer, int gradient) {
  int weight = graph.addNode(product(n, layer.in, layer.out), {layer.input, gradient},
                             {layer.in * layer.out * 4});
  update(layer.weight, graph.output(weight));
  int bias = graph.addNode(moved(n * layer.out * 4), {gradient}, {layer.out * 4});
  update(layer.bias, graph.output(bias));
  return graph.output(
      graph.addNode(product(n, layer.in, layer.out), {gradient, layer.weight}, {n * layer.in * 4}));
}

int Decoder::norm(Norm &layer, int input) {
  layer.input = input;
  layer.scale = graph.addSource(d * 4);
  layer.shift = graph.addSource(d * 4);
  int node = graph.addNode(moved(row * 2), {input, layer.scale, layer.shift}, {row, n * 8});
  layer.stats = graph.output(node, 1);
  return graph.output(node);
}

int Decoder::normGrad(const Norm &layer, int gradient) {
  int sums = graph.addNode(moved(row * 2), {layer.input, layer.stats, gradient}, {d * 4, d * 4});
  int node =
      graph.addNode(moved(row * 3), {layer.input, layer.stats, gradient, layer.scale}, {row});
  graph.nodes[size_t(node)].mayReuse[0] = gradient;
  update(layer.scale, graph.output(sums, 0));
  update(layer.shift, graph.output(sums, 1));
  return graph.output(node);
}

int Decoder::forward(Layer &layer, int x) {
  int h = norm(layer.norm1, x);
  Linear *projections[3] = {&layer.q, &layer.k, &layer.v};
  for (int i = 0; i < 3; ++i)
    layer.heads[i] = elementwise({linear(*projections[i], h, d, d)}, row);
  int attention = graph.addNode(product(n, n, 2 * d) / 2,
                                {layer.heads[0], layer.heads[1], layer.heads[2]}, {row, n * 32});
  layer.attended = graph.output(attention);
  layer.lse = graph.output(attention, 1);
  int projected = linear(layer.o, elementwise({layer.attended}, row), d, d);
  x = elementwise({x, projected}, row, projected);
  h = norm(layer.norm2, x);
  layer.hidden = linear(layer.up, h, d, 4 * d);
  int down = linear(layer.down, elementwise({layer.hidden}, 4 * row), 4 * d, d);
  return elementwise({x, down}, row, down);
}

int Decoder::backward(const Layer &layer, int g) {
  int hidden = linearGrad(layer.down, g);
  int up = elementwise({layer.hidden, hidden}, 4 * row, hidden);
  int normed = normGrad(layer.norm2, linearGrad(layer.up, up));
  g = elementwise({g, normed}, row, normed);
  int attended = elementwise({linearGrad(layer.o, g)}, row);
  int attention = graph.addNode(
      product(n, n, 5 * d) / 2,
      {layer.heads[0], layer.heads[1], layer.heads[2], layer.attended, layer.lse, attended},
      {row, row, row});
  const Linear *projections[3] = {&layer.q, &layer.k, &layer.v};
  int sum = -1;
  for (int i = 0; i < 3; ++i) {
    int part = linearGrad(*projections[i], elementwise({graph.output(attention, i)}, row));
    sum = sum < 0 ? part : elementwise({sum, part}, row, sum);
  }
  normed = normGrad(layer.norm1, sum);
  return elementwise({g, normed}, row, normed);
}

void Decoder::build(int layers, int64_t vocabulary) {
  int tokens = graph.addSource(n * 8), targets = graph.addSource(n * 8);
  int table = graph.addSource(vocabulary * d * 4);
  int x = graph.output(graph.addNode(moved(row * 2), {tokens, table}, {row}));
  std::vector<Layer> stack(static_cast<size_t>(layers));
  for (Layer &layer : stack)
    x = forward(layer, x);
  Norm last;
  Linear head;
  int logits = linear(head, norm(last, x), d, vocabulary);
  int64_t wide = n * vocabulary * 4;
  int loss = graph.addNode(moved(wide), {logits, targets}, {4, n * 4});
  graph.values[size_t(graph.output(loss))].result = true;
  int g = elementwise({logits, targets, graph.output(loss, 1)}, wide, logits);
  g = normGrad(last, linearGrad(head, g));
  for (int i = layers; i-- > 0;)
    g = backward(stack[size_t(i)], g);
  int scatter = graph.addNode(moved(row + vocabulary * d * 4), {tokens, g}, {vocabulary * d * 4});
  update(table, graph.output(scatter));
}

} // namespace

Graph makeTrainStep(int layers, int64_t tokens, int64_t width, int64_t vocabulary) {
  Decoder decoder(tokens, width);
  decoder.build(layers, vocabulary);
  return std::move(decoder.graph);
}

} // namespace linnet::test::graphs
