"""Questions that a small language model answers right in a word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClosedQuestion:
    """A question with one right answer.

    Attributes:
        text: As a user asks it.
        answers: Words of which a right answer holds one, in small letters.
    """

    text: str
    answers: tuple[str, ...]

    def is_answered(self, answer: str) -> bool:
        """Whether an answer holds what is right."""
        return any(word in answer.lower() for word in self.answers)


QUESTIONS = tuple(
    ClosedQuestion(text, tuple(answers))
    for text, *answers in (
        ("What is the capital of France?", "paris"),
        ("What is the capital of Italy?", "rome"),
        ("What is the capital of Japan?", "tokyo"),
        ("What is the capital of Germany?", "berlin"),
        ("What is the capital of Spain?", "madrid"),
        ("What is the capital of Russia?", "moscow"),
        ("What is the capital of Egypt?", "cairo"),
        ("Which continent is Brazil in?", "south america"),
        ("What is the largest planet in the solar system?", "jupiter"),
        ("Which planet is known as the Red Planet?", "mars"),
        ("What is the chemical formula of water?", "h2o", "h₂o"),
        ("What gas do plants take from the air?", "carbon dioxide", "co2"),
        ("How many days are there in a week?", "seven", "7"),
        ("How many legs does a spider have?", "eight", "8"),
        ("How many sides does a triangle have?", "three", "3"),
        ("What is two plus two?", "four", "4"),
        ("What is the opposite of hot?", "cold"),
        ("What color is the sky on a clear day?", "blue"),
        ("Who wrote Romeo and Juliet?", "shakespeare"),
        ("Who painted the Mona Lisa?", "leonardo", "da vinci"),
        ("Who was the first president of the United States?", "washington"),
        ("In which country is the Great Wall?", "china"),
        ("What is the largest ocean on Earth?", "pacific"),
        ("What do bees make?", "honey"),
    )
)
