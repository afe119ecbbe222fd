"""Converts a module, and runs the file and PyTorch on inputs that take other ways."""

import torch

import ferryman


def compare(module, inputs):
    model = ferryman.convert(module.eval(), inputs[0])
    for remark in model.report.remarks:
        if remark["subject"] == "rewritten":
            places = [f"{place['what']} in line {place['line']}" for place in remark["places"]]
            print(f"{remark['what']}: {', '.join(places)}")
    for number, args in enumerate(inputs):
        with torch.no_grad():
            expected, got = module(*args), model(*args)
        pairs = zip(expected, got) if isinstance(expected, tuple) else [(expected, got)]
        worst = max(difference(*pair) for pair in pairs)
        print(f"inputs {number}: worst difference {worst:.1e}")


def difference(one, other):
    return float((torch.as_tensor(one) - torch.as_tensor(other)).abs().max())
