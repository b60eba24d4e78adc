irdl.dialect @my {
  irdl.operation @twice {
    %type = irdl.any
    irdl.operands(x: %type)
    irdl.results(y: %type)
  }
}
