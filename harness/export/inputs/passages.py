"""What a decoder reads where nobody gives samples, to find out what its layers see.

Of several kinds, since layers see other things in each: prose, instructions, dialogue, descriptions
of pictures, figures, code, several languages. Written for this purpose.
"""

from __future__ import annotations

PASSAGES = (
    """The harbour lies at the end of a long valley, and for most of the year the wind comes down
from the mountains in the morning and goes back up in the evening. Fishermen have built their day
around it. They leave before sunrise, when the boats need no engine to reach open water, and they
come home with the sea breeze behind them. The town has two streets, a school with forty children,
a church whose bell cracked in the war, and a market where everything is sold by noon. Visitors
often ask why nobody has built a hotel. The answer they get depends on who is asked: the baker says
that there is no water for it, the mayor says that there is no money, and the old men on the bench
say that there is no need.""",
    """Water boils at 100 degrees Celsius at sea level, because that is the temperature at which the
pressure of its vapour equals the pressure of the air above it. On a high mountain the air presses
less, so boiling begins earlier: at 3,000 metres at about 90 degrees. Food takes longer to cook
there, although the pot bubbles just as wildly. A pressure cooker turns the effect around. It keeps
the steam inside until the pressure is about twice that of the atmosphere, and water in it boils at
120 degrees. Beans that would need two hours are soft in thirty minutes.""",
    """User: I have to give a short talk next week and I am nervous. What should I do?
Assistant: Start with one sentence that says what the audience should remember. Everything else in
the talk should support it. Practise aloud at least three times, with a clock. Prepare the first
thirty seconds word for word, since that is when nerves are worst, and leave the rest as short
notes. If you lose the thread, pause, drink some water and return to your main sentence.
User: And if somebody asks a question that I cannot answer?
Assistant: Say so, and offer to find out. Nobody expects a speaker to know everything.""",
    """The photograph shows a kitchen table seen from above. On the left there is a white plate with
two fried eggs, three slices of toast and a small bowl of red jam. A glass of orange juice stands in
the middle, half full, next to a folded newspaper. On the right lie a pair of reading glasses and a
blue pen. Sunlight falls across the table from the upper right corner, so that every object throws a
long shadow to the left. In the background, slightly out of focus, a grey cat is sitting on a
wooden chair and looking at the camera. There is no person in the picture. The mood is calm, like an
early morning on a weekend.""",
    """To make a simple bread, mix 500 grams of flour with 10 grams of salt and 3 grams of dry
yeast. Add 350 millilitres of warm water and stir until no dry flour is left. Cover the bowl and
wait for two hours. Then fold the dough four times, put it into a tin, and let it rise for another
45 minutes. Heat the oven to 230 degrees. Bake the bread for 35 minutes; it is done when it sounds
hollow if you knock on its underside. Let it cool for at least an hour before you cut it, however
good it smells.""",
    """def moving_average(values, width):
    \"\"\"Return the mean of every run of `width` neighbouring values.\"\"\"
    if width < 1:
        raise ValueError("width must be at least 1")
    total = sum(values[:width])
    means = [total / width]
    for index in range(width, len(values)):
        total += values[index] - values[index - width]
        means.append(total / width)
    return means

print(moving_average([1, 2, 3, 4, 5, 6], 3))  # [2.0, 3.0, 4.0, 5.0]""",
    """The Roman Empire did not fall on one day. Historians used to name the year 476, when the last
emperor in the west was sent into retirement, but people who lived then hardly noticed. Taxes were
still collected, courts still sat, and Latin was still spoken. What had changed, slowly and over two
centuries, was who gave the orders. Generals from beyond the Rhine had long commanded Roman troops;
now they did so in their own name. In the east the empire went on for another thousand years. Its
capital was Constantinople, a city of half a million people with walls that no army climbed before
1204, and its citizens never called themselves anything but Romans.""",
    """Dear Ms. Alvarez, thank you for your letter of 12 March about the order with the number
40-1187. We are sorry that two of the six lamps arrived broken. A replacement left our warehouse
today and should reach you by Friday; you need not return the damaged ones. We have also refunded
the cost of delivery, $14.90, to your card. If anything else is missing, please call us between 9
a.m. and 5 p.m. at the number below. With kind regards, Peter Lindqvist, customer service.""",
    """Photosynthesis is the process by which plants, algae and some bacteria turn light into
chemical energy. In the leaves of a plant, chlorophyll absorbs mostly red and blue light and
reflects green, which is why leaves look green. The energy splits molecules of water into hydrogen
and oxygen. The oxygen leaves through small openings called stomata; the hydrogen is used, together
with carbon dioxide from the air, to build sugar. In short: six molecules of carbon dioxide and six
of water become one molecule of glucose and six of oxygen. Almost all life on Earth depends on
it.""",
    """| city | country | inhabitants | founded |
| --- | --- | --- | --- |
| Lisbon | Portugal | 545,000 | about 1200 BC |
| Ghent | Belgium | 265,000 | about 630 |
| Tallinn | Estonia | 454,000 | 1154 |
| Valparaiso | Chile | 296,000 | 1536 |

The largest city of the table is Lisbon, the smallest is Ghent. The difference between them is
280,000 people. Valparaiso is the only one of the four that does not lie in Europe.""",
    """Question: A train leaves at 14:20 and arrives at 16:05. It stops twice, for five minutes
each. How long does it move? Answer: From 14:20 to 16:05 are one hour and 45 minutes, which is 105
minutes. Two stops of five minutes are ten minutes. 105 minus 10 is 95, so the train moves for 95
minutes. Question: What is the sum of the first ten odd numbers? Answer: The sum of the first n odd
numbers is n squared, so it is 10 times 10, which is 100. Question: Which is larger, 3/8 or 0.4?
Answer: 3/8 is 0.375, and 0.4 is more than that.""",
    """She had not meant to open the box. It had stood on the top shelf since they moved in, tied
with a green ribbon, and everybody in the house had agreed without a word that it belonged to the
people before them. But the rain had lasted for nine days, the books were read, and her brother was
asleep. Inside lay a map, a key, and a photograph of the very room in which she was standing,
except that in the photograph there was a door in the wall behind the stove. She turned around
slowly. "Tom," she said, "wake up. I think we have to move the stove."
""",
    """# Installation

1. Download the archive for your system and unpack it.
2. Run `./configure --prefix=$HOME/.local` and then `make install`.
3. Add `export PATH="$HOME/.local/bin:$PATH"` to your shell's start file.

**Note:** version 2.3 and later need at least 4 GB of memory. If the build stops with "no space left
on device", set `TMPDIR` to a folder on a larger disk and try again. See https://example.org/help
for a list of known problems.""",
    """The picture is a bar chart with the title "Rain per month". Twelve blue bars stand side by
side, one for each month from January to December. The vertical axis goes from 0 to 120
millimetres. The highest bar is that of November with about 110, the lowest that of July with less
than 20. From March to July the bars fall almost evenly; in August they begin to rise again. A
dashed red line at 62 marks the mean of the year. The text in the lower right corner is small and
hard to read, but it seems to name a weather station and the years 1991 to 2020.""",
    """An economy in which prices rise by two per cent a year is usually called stable. Over ten
years that is still more than a fifth: something that costs 100 today will then cost 122. Savers
feel it if their bank pays less than that, and borrowers are glad of it, because they give back
money that is worth less than what they received. Central banks try to keep the rate where they
want it by setting the interest at which banks borrow. When it goes up, loans become expensive,
people buy less, and prices rise more slowly. The effect takes about a year, which makes the job
difficult: one has to steer by looking out of the back window.""",
    """Le petit déjeuner est servi de sept heures à dix heures. Das Frühstück wird von sieben bis
zehn Uhr serviert. El desayuno se sirve de siete a diez. Breakfast is served from seven to ten.
Please leave your key at the desk when you go out; the door is locked at midnight, and the code for
the evening is printed on your card. The wireless network is called "Guest" and needs no password.
In case of fire do not use the lift. We wish you a pleasant stay!""",
)
