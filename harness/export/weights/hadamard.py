"""Orthogonal maps that spread what stands out of a vector over all of its numbers.

Products of Hadamard matrices: all entries of one have one magnitude, so that 8 bits hold its
weights exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_SYLVESTER = torch.tensor([[1.0, 1.0], [1.0, -1.0]])


class HadamardMap:
    """A map of vectors of one size, as the Kronecker product of two smaller ones.

    Hadamard matrices of orders 28, 20, 12 and 2 (Paley, 1933; Sylvester, 1867) make one of every
    size that models here have. What is left of another size is mapped to itself.

    Args:
        size: Of the vectors.
    """

    def __init__(self, size: int) -> None:
        self._left = self._right = torch.ones(1, 1)
        for factor in _factors(size):
            if len(self._left) < len(self._right):
                self._left = torch.kron(self._left, factor)
            else:
                self._right = torch.kron(self._right, factor)
        rest = torch.eye(size // (len(self._left) * len(self._right)))
        self._left = torch.kron(self._left, rest) / math.sqrt(len(self._left))
        self._right = self._right / math.sqrt(len(self._right))

    @property
    def matrix(self) -> Tensor:
        """The map as one matrix, ``[size, size]``: a row vector times it is mapped."""
        return torch.kron(self._left, self._right)

    def __call__(self, rows: Tensor) -> Tensor:
        """Map the last dimension: ``[..., size]`` times the matrix, in two small products."""
        left, right = len(self._left), len(self._right)
        by_right = (rows.reshape(-1, right) @ self._right).view(-1, left, right)
        by_left = by_right.transpose(1, 2).reshape(-1, left) @ self._left
        return by_left.view(-1, right, left).transpose(1, 2).reshape(rows.shape)


def _factors(size: int) -> list[Tensor]:
    found = []
    for order, matrix in ((28, _paley_2(13)), (20, _paley_1(19)), (12, _paley_1(11))):
        while size % order == 0:
            found.append(matrix)
            size //= order
    while size % 2 == 0:
        found.append(_SYLVESTER)
        size //= 2
    return found


def _paley_1(prime: int) -> Tensor:
    """A Hadamard matrix of order prime + 1, of a prime that is 3 modulo 4."""
    matrix = torch.eye(prime + 1)
    matrix[0, 1:] += 1
    matrix[1:, 0] -= 1
    matrix[1:, 1:] += _jacobsthal(prime)
    return matrix


def _paley_2(prime: int) -> Tensor:
    """A Hadamard matrix of order 2 (prime + 1), of a prime that is 1 modulo 4."""
    conference = torch.zeros(prime + 1, prime + 1)
    conference[0, 1:] = 1
    conference[1:, 0] = 1
    conference[1:, 1:] = _jacobsthal(prime)
    diagonal = torch.tensor([[1.0, -1.0], [-1.0, -1.0]])
    return torch.kron(conference, _SYLVESTER) + torch.kron(torch.eye(prime + 1), diagonal)


def _jacobsthal(prime: int) -> Tensor:
    """Whether differences of two numbers are squares modulo a prime (1) or not (-1)."""
    squares = {number * number % prime for number in range(1, prime)}
    of_difference = [0] + [1 if number in squares else -1 for number in range(1, prime)]
    rows: Sequence[Sequence[int]] = [
        [of_difference[(row - column) % prime] for column in range(prime)] for row in range(prime)
    ]
    return torch.tensor(rows, dtype=torch.float32)
