"""Small networks of our own, for what the torchvision list does not contain."""

import torch
from torch import nn
from torch.nn import functional as F


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels, out_channels):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Encoder and decoder with skip connections; transposed convolutions of stride 2."""

    def __init__(self, channels=(16, 32, 64, 128), classes=2):
        super().__init__()
        self.down = nn.ModuleList(
            DoubleConv(i, o) for i, o in zip((3, *channels[:-2]), channels[:-1])
        )
        self.bottom = DoubleConv(channels[-2], channels[-1])
        pairs = list(zip(channels[:0:-1], channels[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, stride=2) for i, o in pairs)
        self.merge = nn.ModuleList(DoubleConv(2 * o, o) for _, o in pairs)
        self.head = nn.Conv2d(channels[0], classes, 1)

    def forward(self, image):
        x, skips = image, []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)


class ESPCN(nn.Module):
    """Super-resolution by sub-pixel convolution."""

    def __init__(self, scale=3):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh()
        )
        self.upscale = nn.Sequential(
            nn.Conv2d(32, scale * scale, 3, padding=1), nn.PixelShuffle(scale)
        )

    def forward(self, luma):
        return torch.sigmoid(self.upscale(self.features(luma)))


class GatedBlock(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.dilation = dilation
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        padded = F.pad(x, (self.dilation, 0))
        gated = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        return x + self.residual(gated), self.skip(gated)


class WaveNet(nn.Module):
    """Causal dilated 1-d convolutions with gates, residuals and summed skips."""

    def __init__(self, channels=32, layers=8, classes=64):
        super().__init__()
        self.input = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList(GatedBlock(channels, 2**i) for i in range(layers))
        self.output = nn.Sequential(
            nn.ReLU(), nn.Conv1d(channels, channels, 1), nn.ReLU(), nn.Conv1d(channels, classes, 1)
        )

    def forward(self, audio):
        x = self.input(audio)
        total = None
        for block in self.blocks:
            x, skip = block(x)
            total = skip if total is None else total + skip
        return self.output(total)


class DCGANGenerator(nn.Sequential):
    """Noise to a 64 x 64 image through transposed convolutions."""

    def __init__(self, latent=100, channels=64):
        sizes = [8 * channels, 4 * channels, 2 * channels, channels]
        layers = [nn.ConvTranspose2d(latent, sizes[0], 4, 1, 0, bias=False)]
        for i, o in zip(sizes, sizes[1:]):
            layers += [
                nn.BatchNorm2d(i),
                nn.ReLU(True),
                nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False),
            ]
        layers += [nn.BatchNorm2d(channels), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh()]
        super().__init__(*layers)


class EveryOtherRelu(nn.Module):
    """Writes relu into every second channel in place, through a view."""

    def __init__(self):
        super().__init__()
        self.before = nn.Conv2d(3, 16, 3, padding=1)
        self.after = nn.Conv2d(16, 8, 3, stride=2, padding=1)

    def forward(self, image):
        x = self.before(image)
        torch.relu_(x[:, ::2])
        return self.after(x)
