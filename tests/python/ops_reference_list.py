"""The ops that test_ops_reference.py checks, by the names of PyTorch's op_db, and what of them is
refused on purpose."""

# All samples of float32 give eager's result, but for those below.
MUST_PASS = """
abs acos acosh add addcdiv addcmul alias_copy all amax amin aminmax any arange argmax argmin asin
asinh atan atan2 atanh atleast_1d atleast_2d atleast_3d bool broadcast_tensors broadcast_to byte
cat ceil char chunk clamp clamp_max clamp_min clone column_stack constant_pad_nd contiguous cos
cosh count_nonzero deg2rad diagonal diagonal_copy diff div.floor_rounding div.no_rounding_mode
div.trunc_rounding double dstack eq erf erfc exp exp2 expand expand_as expand_copy expm1 eye fill
flatten flip fliplr flipud float floor floor_divide fmax fmin fmod frac full full_like gather ge
gt half hstack hypot index_select int isfinite isinf isnan isneginf isposinf ldexp le lerp
linalg.diagonal linalg.norm linalg.vector_norm linspace log log10 log1p log2 logaddexp logical_and
logical_not logical_or logical_xor logit logsumexp long lt mH mT masked_fill max.binary
max.reduction_no_dim max.reduction_with_dim maximum mean meshgrid.list_of_tensors
meshgrid.variadic_tensors min.binary min.reduction_no_dim min.reduction_with_dim minimum movedim
mul nan_to_num nansum narrow narrow_copy ne neg new_full new_ones new_zeros
nn.functional.alpha_dropout nn.functional.celu nn.functional.cosine_similarity
nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d nn.functional.elu
nn.functional.embedding nn.functional.feature_alpha_dropout.without_train nn.functional.gelu
nn.functional.glu nn.functional.hardshrink nn.functional.hardsigmoid nn.functional.hardswish
nn.functional.hardtanh nn.functional.leaky_relu nn.functional.logsigmoid nn.functional.mish
nn.functional.normalize nn.functional.pad.circular nn.functional.pad.constant
nn.functional.pad.reflect nn.functional.pad.replicate nn.functional.pad.replicate_negative
nn.functional.pairwise_distance nn.functional.prelu nn.functional.relu nn.functional.relu6
nn.functional.rrelu nn.functional.selu nn.functional.silu nn.functional.softplus
nn.functional.softshrink nn.functional.softsign nn.functional.tanhshrink nn.functional.threshold
norm norm.fro norm.inf ones ones_like permute permute_copy positive pow prod rad2deg ravel
reciprocal remainder repeat repeat_interleave reshape reshape_as roll rot90 round round.decimals_0
round.decimals_3 round.decimals_neg_3 rsqrt rsub scalar_tensor select select_scatter sgn short
sigmoid sign sin sinc sinh slice slice_scatter special.xlog1py split split.list_args
split_with_sizes split_with_sizes_copy sqrt square squeeze squeeze.multiple squeeze_copy stack std
std.unbiased std_mean std_mean.unbiased sub sum t t_copy take take_along_dim tan tanh tensor_split
tile to transpose transpose_copy tril triu true_divide trunc unbind unbind_copy unflatten unfold
unfold_copy unsafe_chunk unsafe_split unsqueeze unsqueeze_copy var var.unbiased var_mean
var_mean.unbiased view view_as view_copy vstack where xlogy zero_ zeros zeros_like __getitem__
__radd__ __rdiv__ __rmod__ __rmul__ __rpow__ __rsub__
digamma erfinv i0 igamma igammac lgamma mvlgamma.mvlgamma_p_1 mvlgamma.mvlgamma_p_3
mvlgamma.mvlgamma_p_5 special.airy_ai special.bessel_j0 special.bessel_j1 special.bessel_y0
special.bessel_y1 special.erfcx special.i0e special.i1 special.i1e special.log_ndtr
special.modified_bessel_i0 special.modified_bessel_i1 special.modified_bessel_k0
special.modified_bessel_k1 special.ndtri special.scaled_modified_bessel_k0
special.scaled_modified_bessel_k1 special.spherical_bessel_j0 special.zeta
special.chebyshev_polynomial_t special.chebyshev_polynomial_u special.chebyshev_polynomial_v
special.chebyshev_polynomial_w special.shifted_chebyshev_polynomial_t
special.shifted_chebyshev_polynomial_u special.shifted_chebyshev_polynomial_v
special.shifted_chebyshev_polynomial_w special.hermite_polynomial_h
special.laguerre_polynomial_l special.legendre_polynomial_p
frexp nextafter copysign signbit isin
as_strided bucketize cummax cummin cumprod cumsum diagonal_scatter histc histogram
index_add index_copy index_fill index_put index_reduce.amax index_reduce.amin index_reduce.mean
index_reduce.prod kthvalue logcumsumexp masked_scatter median mode msort nanmedian nanquantile
nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d
nn.functional.adaptive_max_pool3d nn.functional.max_pool1d nn.functional.max_pool2d
nn.functional.max_pool3d nonzero_static put quantile
scatter scatter_add scatter_reduce.amax scatter_reduce.amin scatter_reduce.mean scatter_reduce.prod
scatter_reduce.sum searchsorted sort topk argsort
""".split()

# Linear algebra of small matrices, which the core writes out step by step.
MUST_PASS += """
cdist cholesky cholesky_inverse cholesky_solve geqrf linalg.cholesky linalg.cholesky_ex
linalg.cond linalg.det linalg.eigvalsh linalg.householder_product linalg.inv linalg.inv_ex
linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve linalg.lu linalg.lu_factor
linalg.lu_factor_ex linalg.lu_solve linalg.matrix_norm linalg.matrix_power linalg.matrix_rank
linalg.matrix_rank.hermitian linalg.pinv linalg.pinv.hermitian linalg.qr linalg.slogdet
linalg.solve linalg.solve_ex linalg.solve_triangular linalg.svdvals linalg.tensorinv
linalg.tensorsolve linalg.vander logdet lu lu_solve lu_unpack nn.functional.pdist norm.nuc ormqr
pinverse qr tensordot triangular_solve
""".split()

MUST_PASS += """
einsum inner linalg.norm.subgradients_at_zero native_group_norm native_layer_norm outer
""".split()

# The same for int64, int32 and bool, where PyTorch has them.
INTEGERS = """
abs acos acosh add addcmul alias_copy all amax amin aminmax any arange argmax argmin asin asinh
atan atan2 atanh atleast_1d atleast_2d atleast_3d bitwise_and bitwise_not bitwise_or bitwise_xor
bool broadcast_tensors broadcast_to byte cat ceil char chunk clamp clamp_max clamp_min clone
column_stack constant_pad_nd contiguous cos cosh count_nonzero deg2rad diagonal diagonal_copy diff
div.floor_rounding div.no_rounding_mode div.trunc_rounding double dstack eq erf erfc exp exp2
expand expand_as expand_copy expm1 eye fill flatten flip fliplr flipud float floor floor_divide
fmax fmin fmod full full_like gather ge gt half hstack index_select int isfinite isinf isnan
isneginf isposinf ldexp le linalg.diagonal linspace log log10 log1p log2 logical_and logical_not
logical_or logical_xor logit logsumexp long lt mH mT masked_fill max.binary max.reduction_no_dim
max.reduction_with_dim maximum meshgrid.list_of_tensors meshgrid.variadic_tensors min.binary
min.reduction_no_dim min.reduction_with_dim minimum movedim mul nan_to_num narrow narrow_copy ne
neg new_full new_ones new_zeros nn.functional.feature_alpha_dropout.without_train
nn.functional.hardtanh nn.functional.one_hot nn.functional.pad.circular nn.functional.pad.constant
nn.functional.pad.reflect nn.functional.pad.replicate nn.functional.pad.replicate_negative
nn.functional.relu nn.functional.relu6 nn.functional.softsign nn.functional.tanhshrink
nn.functional.threshold ones ones_like permute permute_copy positive pow prod rad2deg ravel
reciprocal remainder repeat repeat_interleave reshape reshape_as roll rot90 round rsqrt rsub
scalar_tensor select select_scatter sgn short sigmoid sign sin sinc sinh slice slice_scatter
special.xlog1py split split.list_args split_with_sizes split_with_sizes_copy sqrt square squeeze
squeeze.multiple squeeze_copy stack sub sum t t_copy take take_along_dim tan tanh tensor_split
tile to transpose transpose_copy tril tril_indices triu triu_indices true_divide trunc unbind
unbind_copy unflatten unfold unfold_copy unsafe_chunk unsafe_split unsqueeze unsqueeze_copy view
view_as view_copy vstack where xlogy zero_ zeros zeros_like __getitem__ __radd__ __rand__ __rdiv__
signbit isin gcd lcm bitwise_left_shift bitwise_right_shift __rmod__ __rmul__ __ror__
__rpow__ __rsub__ __rxor__ nansum nn.functional.pairwise_distance
as_strided cummax cummin cumprod cumsum index_add index_copy index_fill index_put
index_reduce.amax index_reduce.amin index_reduce.mean index_reduce.prod masked_scatter msort
nonzero_static put scatter scatter_add scatter_reduce.amax scatter_reduce.amin scatter_reduce.mean
scatter_reduce.prod scatter_reduce.sum searchsorted
einsum inner nn.functional.avg_pool1d nn.functional.avg_pool2d nn.functional.avg_pool3d
nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d nn.functional.conv_transpose1d
nn.functional.conv_transpose2d nn.functional.conv_transpose3d nn.functional.linear outer tensordot
""".split()

_TRAINING = ("in training mode",)
_DYNAMIC = ("only known at run time",)

# Parts of the errors that some samples of an op may give.
REFUSED = {
    "nn.functional.alpha_dropout": _TRAINING,
    "nn.functional.dropout": _TRAINING,
    "nn.functional.dropout2d": _TRAINING,
    "nn.functional.dropout3d": _TRAINING,
    "nn.functional.rrelu": _TRAINING,
    "nn.functional.embedding": ("max_norm changes the table",),
    "repeat_interleave": (*_DYNAMIC, "a size that depends on the repeats"),
    "tensor_split": _DYNAMIC,
    "__getitem__": _DYNAMIC,
}
