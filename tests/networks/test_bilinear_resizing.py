import pytest
import torch

from raymeta.networks.architectures.bilinear_resizing import cut_like, padded_to_grid, resize_like


@pytest.mark.parametrize(
    ("size", "padded"), [(1, 1), (2, 17), (16, 17), (17, 17), (120, 129), (769, 769), (1024, 1025)]
)
def test_sizes_of_the_grid(size, padded):
    images = torch.ones(1, 3, size, 5)
    larger = padded_to_grid(images, 16)
    assert larger.shape == (1, 3, padded, 17)
    assert torch.equal(cut_like(larger, images), images)
    assert larger.sum() == images.sum()


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (49, 20), (40, 64)])
def test_a_cell_stays_on_its_pixel(size):
    """Maps that hold their cells' places, 0, 16, 32, …, become maps that hold each pixel's place."""
    image = torch.zeros(1, 1, *size)
    padded = padded_to_grid(image, 16)
    rows, columns = (torch.arange(0.0, side, 16) for side in padded.shape[-2:])
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]
    resized = cut_like(resize_like(places, padded), image)
    expected = torch.stack(torch.meshgrid(*(torch.arange(float(side)) for side in size), indexing="ij"))[None]
    torch.testing.assert_close(resized, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [17, 33, 40, 64])
def test_strided_convolutions_look_at_even_pixels(size):
    """What the grid rests on: four of them, with only the middle of the kernel set, take every 16th pixel."""
    layer = torch.nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False)
    with torch.no_grad():
        layer.weight.zero_()[0, 0, 1, 1] = 1
        features = torch.arange(float(size)).expand(1, 1, size, size)
        for _ in range(4):
            features = layer(features)
    assert features[0, 0, 0].tolist() == list(range(0, size, 16))
