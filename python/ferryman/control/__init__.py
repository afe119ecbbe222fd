"""Plain Python control flow over tensors, as torch.cond and torch.while_loop.

    program = export_rewritten(module, args, kwargs)   # rewriting.py
    rewritten(program)                                 # rewritten.py: what was, and where

torch.export gives up where Python asks a tensor for its truth or its number. The function that did
so is rewritten (source.py, jumps.py, statements.py, expressions.py): each of its ifs and loops asks
runtime.py what to do. If a condition is a Python value there, Python goes on as ever; if it is a
tensor whose value is unknown, both ways become graphs (branches.py, loops.py).
"""
