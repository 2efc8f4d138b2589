"""Short texts of six topics from a small grammar, English and Chinese, and the WordPiece vocabulary that covers them.

A fact is a topic, a statement and its slots; each fact can be said in several ways. Held-out facts are those whose
number falls into every fifth, so that no way of saying them is ever trained on.
"""

from .canvas import generator, pick

TOPICS = ("weather", "sport", "food", "travel", "music", "money")
LENGTH = 32

# Each slot: values, each of which is a list of ways to say it, the last one in Chinese.
SLOTS = {
    "city": [
        ["Paris", "the French capital", "巴黎"],
        ["London", "the British capital", "伦敦"],
        ["Tokyo", "the Japanese capital", "东京"],
        ["Rome", "the Italian capital", "罗马"],
        ["Cairo", "the Egyptian capital", "开罗"],
        ["Berlin", "the German capital", "柏林"],
    ],
    "day": [
        ["today", "this very day", "今天"],
        ["tomorrow", "the day after this one", "明天"],
        ["on Monday", "when the week begins", "周一"],
        ["on Sunday", "when the week ends", "周日"],
    ],
    "sky": [
        ["rain", "wet clouds", "下雨"],
        ["snow", "white flakes", "下雪"],
        ["sunshine", "a clear sky", "晴朗"],
        ["storms", "violent winds", "暴风"],
    ],
    "team": [
        ["the Lions", "the team in yellow", "狮队"],
        ["the Bears", "the team in brown", "熊队"],
        ["the Sharks", "the team in blue", "鲨队"],
        ["the Eagles", "the team in white", "鹰队"],
    ],
    "result": [
        ["won", "were victorious", "胜利"],
        ["lost", "were beaten", "失败"],
        ["drew", "shared the points", "平局"],
    ],
    "game": [
        ["football", "the game with the round ball", "足球"],
        ["tennis", "the game with rackets", "网球"],
        ["chess", "the game of kings", "国际象棋"],
    ],
    "dish": [
        ["soup", "hot broth", "汤"],
        ["noodles", "long pasta", "面条"],
        ["bread", "a fresh loaf", "面包"],
        ["rice", "steamed grains", "米饭"],
        ["cake", "something sweet", "蛋糕"],
    ],
    "taste": [["delicious", "very good", "好吃"], ["awful", "very bad", "难吃"], ["too salty", "full of salt", "太咸"]],
    "ride": [
        ["by train", "on rails", "坐火车"],
        ["by plane", "through the air", "坐飞机"],
        ["by ship", "across the sea", "坐船"],
        ["by bicycle", "on two wheels", "骑自行车"],
    ],
    "tool": [
        ["violin", "fiddle", "小提琴"],
        ["piano", "grand piano", "钢琴"],
        ["drums", "percussion", "鼓"],
        ["guitar", "six strings", "吉他"],
    ],
    "mood": [
        ["loudly", "at full volume", "大声"],
        ["softly", "in a whisper", "轻声"],
        ["quickly", "at great speed", "快速"],
    ],
    "share": [
        ["stocks", "shares", "股票"],
        ["gold", "the yellow metal", "黄金"],
        ["oil", "crude", "石油"],
        ["bonds", "government debt", "债券"],
    ],
    "move": [["rise", "go up", "上涨"], ["fall", "go down", "下跌"], ["stay", "do not move", "不变"]],
}

# Each statement: its topic and ways to say it, the last one in Chinese.
STATEMENTS = [
    ("weather", ["There will be {sky} in {city} {day}.", "{day}, {city} expects {sky}!", "{city}{day}{sky}。"]),
    (
        "weather",
        [
            "{sky} again: nobody in {city} goes out {day}",
            "in {city} people stay in {day} because of {sky}",
            "因为{sky}，{day}{city}没人出门",
        ],
    ),
    ("sport", ["{team} {result} at {game} {day}.", "at {game}, {team} {result} {day}", "{day}{team}{game}{result}"]),
    (
        "sport",
        [
            "Fans of {game} say that {team} {result} in {city}!",
            "{team} {result} in {city}, tell the fans of {game}",
            "{game}球迷说{team}在{city}{result}",
        ],
    ),
    ("food", ["The {dish} was {taste} {day}.", "{day} we ate {dish}; it was {taste}", "{day}的{dish}{taste}"]),
    (
        "food",
        [
            "In {city} they cook {dish} that is {taste}",
            "{taste}: that is {dish} as cooked in {city}",
            "{city}的{dish}{taste}！",
        ],
    ),
    (
        "travel",
        ["We go to {city} {ride} {day}.", "{day} our journey leads {ride} to {city}", "我们{day}{ride}去{city}"],
    ),
    (
        "travel",
        [
            "A ticket to {city} {ride}, please",
            "please sell me a ticket, I travel {ride} to {city}",
            "请给我一张{ride}去{city}的票",
        ],
    ),
    (
        "music",
        [
            "She plays the {tool} {mood} {day}",
            "{day} one hears her play {mood} on the {tool}",
            "{day}她{mood}演奏{tool}",
        ],
    ),
    (
        "music",
        [
            "The band from {city} plays {mood} with {tool}",
            "with {tool}, the band from {city} plays {mood}",
            "{city}乐队{mood}用{tool}演出",
        ],
    ),
    (
        "money",
        [
            "Prices of {share} {move} {day}.",
            "{day}, traders see that prices of {share} {move}",
            "{day}{share}价格{move}",
        ],
    ),
    (
        "money",
        [
            "Banks in {city} say: {share} will {move}",
            "{share} will {move}, say the banks in {city}",
            "{city}银行说{share}将{move}",
        ],
    ),
]


def slots_of(statement):
    return [name for name in SLOTS if "{" + name + "}" in STATEMENTS[statement][1][0]]


def facts():
    """All facts: (statement, {slot: index of its value})."""
    found = []
    for statement in range(len(STATEMENTS)):
        values = [{}]
        for name in slots_of(statement):
            values = [{**chosen, name: i} for chosen in values for i in range(len(SLOTS[name]))]
        found += [(statement, chosen) for chosen in values]
    return found


def split_facts():
    """Facts for training and held-out facts."""
    every = facts()
    held = [fact for i, fact in enumerate(every) if (i * 7919) % 5 == 0]
    return [fact for i, fact in enumerate(every) if (i * 7919) % 5], held


def say(fact, rng, way=None):
    """One of the ways to say a fact; the last way is Chinese."""
    statement, chosen = fact
    ways = STATEMENTS[statement][1]
    way = int(rng.integers(len(ways))) if way is None else way
    chinese = way == len(ways) - 1
    words = {}
    for name, index in chosen.items():
        said = SLOTS[name][index]
        words[name] = said[-1] if chinese else pick(rng, said[:-1])
    return ways[way].format(**words)


def topic_of(fact):
    return TOPICS.index(STATEMENTS[fact[0]][0])


def text_scene(seed, held_out):
    """A fact, said in two ways: texts, topic."""
    rng = generator(seed, 3)
    fact = pick(rng, split_facts()[1 if held_out else 0])
    first = int(rng.integers(3))
    return {
        "texts": [say(fact, rng, first), say(fact, rng, (first + 1 + int(rng.integers(2))) % 3)],
        "topic": topic_of(fact),
    }


def is_chinese(letter):
    return "一" <= letter <= "鿿"


def words_of(text):
    """Lower-cased words; punctuation marks and Chinese characters are words of their own."""
    spaced = "".join(c if c.isalnum() and not is_chinese(c) or c.isspace() else f" {c} " for c in text.lower())
    return spaced.split()


def vocabulary():
    """Lines of vocab.txt: special tokens, characters, and whole words or, of every third, beginnings and ends."""
    texts = [text for values in SLOTS.values() for ways in values for text in ways]
    texts += [way for _, ways in STATEMENTS for way in ways]
    words = sorted({word for text in texts for word in words_of(text)})
    letters = [chr(ord("a") + i) for i in range(26)] + [str(i) for i in range(10)]
    lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    for i, word in enumerate(words):
        parts = [word] if len(word) < 5 or i % 3 else [word[:3], f"##{word[3:]}"]
        lines += [part for part in parts if part not in lines]
    return lines


def word_pieces(word, ids):
    """Greedy: the longest piece first."""
    pieces, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start and ("##" if start else "") + word[start:end] not in ids:
            end -= 1
        if end == start:
            return [ids["[UNK]"]]
        pieces.append(ids[("##" if start else "") + word[start:end]])
        start = end
    return pieces


def encode(text, ids):
    """Ids and mask, LENGTH each: [CLS], the pieces, [SEP], then [PAD]."""
    pieces = [piece for word in words_of(text) for piece in word_pieces(word, ids)][: LENGTH - 2]
    row = [ids["[CLS]"], *pieces, ids["[SEP]"]]
    return row + [ids["[PAD]"]] * (LENGTH - len(row)), [1] * len(row) + [0] * (LENGTH - len(row))
