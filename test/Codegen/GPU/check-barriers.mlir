// RUN: linnet-opt %s --split-input-file --verify-diagnostics --linnet-check-barriers

// What is the same for all threads may steer a barrier: sizes, the group, loads at such positions.
gpu.module @uniform {
  gpu.func @f(%memory: memref<?xf32>, %n: i32) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %size = arith.index_cast %n : i32 to index
    %group = gpu.block_id x
    %x = memref.load %memory[%group] : memref<?xf32>
    %zero = arith.constant 0.0 : f32
    %some = arith.cmpf ogt, %x, %zero : f32
    scf.for %i = %c0 to %size step %c1 {
      scf.if %some {
        gpu.barrier
      }
    }
    gpu.return
  }
}

// -----

gpu.module @branch {
  gpu.func @f(%n: i32) kernel {
    %c0 = arith.constant 0 : index
    %thread = gpu.thread_id x
    %first = arith.cmpi eq, %thread, %c0 : index
    // expected-note @+1 {{they part at this scf.if}}
    scf.if %first {
      // expected-error @+1 {{a barrier of kernel 'f' is not reached by all threads of a workgroup}}
      gpu.barrier
    }
    gpu.return
  }
}

// -----

// A trip count that depends on the thread through arithmetic and a loop's value.
gpu.module @count {
  gpu.func @f(%n: i32) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %size = arith.index_cast %n : i32 to index
    %thread = gpu.thread_id x
    %own = scf.for %i = %c0 to %size step %c1 iter_args(%sum = %c0) -> index {
      %next = arith.addi %sum, %thread : index
      scf.yield %next : index
    }
    // expected-note @+1 {{they part at this scf.for}}
    scf.for %i = %c0 to %own step %c1 {
      // expected-error @+1 {{a barrier of kernel 'f' is not reached by all threads of a workgroup}}
      gpu.barrier
    }
    gpu.return
  }
}

// -----

// What lies at a thread's position is the thread's own.
gpu.module @loaded {
  gpu.func @f(%memory: memref<?xf32>) kernel {
    %thread = gpu.thread_id x
    %x = memref.load %memory[%thread] : memref<?xf32>
    %zero = arith.constant 0.0 : f32
    %some = arith.cmpf ogt, %x, %zero : f32
    // expected-note @+1 {{they part at this scf.if}}
    scf.if %some {
    } else {
      // expected-error @+1 {{a barrier of kernel 'f' is not reached by all threads of a workgroup}}
      gpu.barrier
    }
    gpu.return
  }
}

// -----

gpu.module @while {
  gpu.func @f() kernel {
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %thread = gpu.thread_id x
    // expected-note @+1 {{they part at this scf.while}}
    %last = scf.while (%i = %thread) : (index) -> index {
      %more = arith.cmpi ult, %i, %c9 : index
      scf.condition(%more) %i : index
    } do {
    ^bb0(%i: index):
      // expected-error @+1 {{a barrier of kernel 'f' is not reached by all threads of a workgroup}}
      gpu.barrier
      %next = arith.addi %i, %c1 : index
      scf.yield %next : index
    }
    gpu.return
  }
}

// -----

// The barrier before a loop's condition is reached once more by those who go on.
gpu.module @uniform_while {
  gpu.func @f(%n: i32) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %size = arith.index_cast %n : i32 to index
    %last = scf.while (%i = %c0) : (index) -> index {
      gpu.barrier
      %more = arith.cmpi ult, %i, %size : index
      scf.condition(%more) %i : index
    } do {
    ^bb0(%i: index):
      %next = arith.addi %i, %c1 : index
      scf.yield %next : index
    }
    gpu.return
  }
}
