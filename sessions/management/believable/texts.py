"""Sentences, code and names about a topic: enough variants that no two sessions read alike."""

from random import Random

from sessions.management.believable.topics import Topic

_NAMES = (
    "{subject}: what do we know?", "Review of {subject}", "{subject} and {measure}", "Does {subject} change {measure}?",
    "{subject}, second attempt", "Plan for {subject} with {tool}", "{measure} from {tool}", "Notes on {subject}",
    "Compare {subject} with {other}", "Why does {measure} drift?", "Reading list: {subject}", "Grant text on {subject}",
    "Replicate the {subject} result", "{field}: {subject}", "Clean the {measure} data", "Figure 3: {measure}",
)  # fmt: skip
_QUESTIONS = (
    "What is the current evidence on {subject} in {field}? I mostly care about {measure}.",
    "How would you measure {measure} for {subject}? We have {tool}, and {n} samples.",
    "Compare {subject} and {other}. Which one moves {measure} more?",
    "Can you write a short script that reads the {measure} table and plots it by site?",
    "The reviewers say that our {measure} is confounded by {other}. How do I answer?",
    "Summarise the last three papers on {subject} in five bullet points, please.",
    "Is an effect of {p} on {measure} plausible, or did I make a mistake with the units?",
    "Please check this: `mean({n}, {m}) > threshold`. It fails for {subject}.",
    "Go on.",
    "And what if we leave {other} out?",
    "Thanks! Now the same for {other}, with {tool} this time.",
    "Write the methods paragraph: {tool}, {n} replicates, {measure} as the outcome.",
    "Which of these could be a false positive?\n\n- {subject}\n- {other}\n- {measure} above {n}",
    "I get this when I run it:\n\n```\nValueError: {measure} has {n} rows, expected {m}\n```\n\nWhat now?",
)
_PARAGRAPHS = (
    "The short answer: **{subject}** explains roughly {n} % of the variance in {measure}, the rest is mostly {other}.",
    "Three things matter here. First, {tool} underestimate {measure} at low values. Second, {subject} and {other} are "
    "correlated (r ≈ 0.{m}). Third, the sample of {n} is too small to separate the two.",
    "I would start from {tool}, because they give {measure} at the scale that the question is about. The alternative, "
    "modelling {other}, needs assumptions that nobody has tested for {field}.",
    "Note that the confidence interval [{p}, 0.{n}] includes values that nobody would act on. That isn't evidence of "
    "absence: with {m} sites the study could not have found a smaller effect.",
    "> “The effect of {subject} on {measure} is modest, robust and slow.”\n\nThat sentence carries the review; the "
    "tables behind it are thinner than they look.",
    "In *{field}* the usual design is before–after with {tool}. It holds as long as {other} stays put between visits.",
    "Adding {other} as a covariate moves the estimate from {p} to 0.{m}, so it is worth the degree of freedom.",
    "One caveat: the {measure} series has {n} gaps, all of them in winter, and interpolation flatters {subject}.",
    "If the aim is a decision rather than a paper, report {measure} per unit of effort; {tool} make that possible.",
    "The units were the problem. Once {measure} is divided by the area of the {m} plots, {subject} looks ordinary.",
)
_LISTS = (
    "Next steps:\n\n1. Export the raw {measure} readings.\n2. Re-run the model without {other}.\n3. Write down what "
    "would change our mind about {subject}.",
    "What speaks for it:\n\n- {tool} agree within {m} %\n- the pattern holds in {n} of {t} sites\n- {other} points the "
    "other way\n\nWhat speaks against it:\n\n- nobody has measured {measure} twice",
    "| site | {measure} | n |\n|:--|--:|--:|\n| north | {p} | {n} |\n| south | 0.{m} | {t} |\n| control | 0.04 | {m} |",
    "### {subject}\n\n- [x] literature\n- [x] {tool}\n- [ ] {measure}\n- [ ] write-up",
)
_CODE = (
    '```python\nimport pandas as pd\n\n\ndef summarise(path: str) -> pd.DataFrame:\n    """{measure} by site."""\n'
    '    readings = pd.read_csv(path, parse_dates=["at"])\n    recent = readings[readings["quality"] > 0.{m}]\n'
    '    return recent.groupby("site")["value"].agg(["mean", "sem", "count"])\n```',
    "```sql\nSELECT site, avg(value) AS mean_value, count(*) AS n\nFROM readings\nWHERE kind = '{measure}' "
    "AND value < {n}\n"
    "GROUP BY site\nHAVING count(*) >= {m}\nORDER BY mean_value DESC;\n```",
    "```r\nfit <- lmer(value ~ treatment * year + (1 | site), data = readings)\nsummary(fit)\nplot(resid(fit))\n```",
    '```bash\nfor year in $(seq 2019 2026); do\n  ./extract --kind "{measure}" --year "$year" > "out/$year.csv"\n'
    "done\n```",
    '```json\n{{"kind": "{measure}", "sites": {m}, "threshold": {p}, "exclude": ["{other}"]}}\n```',
)
_RESULTS = (
    "{n} results for “{subject}” ({m} peer-reviewed)\n1. A decade of {subject} in {field}\n2. {measure} revisited\n"
    "3. Against {other}",
    "site,value,n\nnorth,{p},{n}\nsouth,0.{m},{t}\ncontrol,0.04,{m}",
    "Traceback (most recent call last):\n  File \"analyse.py\", line {m}, in <module>\nKeyError: '{measure}'",
    "ok: wrote {n} rows to content/{m}.csv",
)
_THOUGHTS = (
    "The question mixes {subject} with {other}; separate them first, then look at {measure}.",
    "They have only {n} samples. I should say so before suggesting {tool}.",
    "Check the units of {measure}: {p} would be implausible otherwise.",
)
_PROMPTS = (
    "You are a careful research assistant in {field}. Say what is known, what is not, and how you know.",
    "Answer briefly. Name sources. Use SI units for {measure}.",
)
_DESCRIPTIONS = (
    "", "", "For the group meeting.", "Background for the paper on {subject}.", "What we agreed about {tool}.",
    "Open questions on {measure}, kept in one place.",
)  # fmt: skip
_VARIANTS = 40  # of every sentence, with other subjects and numbers


class Texts:
    """Pools of ready texts on one topic; picking one costs next to nothing."""

    def __init__(self, topic: Topic, random: Random) -> None:
        self.topic = topic
        self.questions = _variants(_QUESTIONS, topic, random)
        self.paragraphs = _variants(_PARAGRAPHS, topic, random)
        self.extras = _variants(_LISTS + _CODE, topic, random)
        self.results = _variants(_RESULTS, topic, random)
        self.thoughts = _variants(_THOUGHTS, topic, random)
        self.prompts = _variants(_PROMPTS, topic, random)
        self.descriptions = _variants(_DESCRIPTIONS, topic, random)

    def name(self, random: Random) -> str:
        """A session's name; now and then a long one, or one in another script."""
        name = _filled(random.choice(_NAMES), self.topic, random)
        chance = random.random()
        if chance < 0.004:
            return f"{name} – 研究ノート 🧪"
        if chance < 0.01:
            return f"{name}, with everything that came up on the way: {', '.join(self.topic.measures)}"[:255]
        return name[0].upper() + name[1:] if chance < 0.8 else f"{name[0].upper()}{name[1:]} ({random.randint(2, 60)})"


def _variants(templates: tuple[str, ...], topic: Topic, random: Random) -> list[str]:
    return [_filled(template, topic, random) for template in templates for _ in range(_VARIANTS)]


def _filled(template: str, topic: Topic, random: Random) -> str:
    subject, other = random.sample(topic.subjects, 2)
    return template.format(
        field=topic.field,
        subject=subject,
        other=other,
        measure=random.choice(topic.measures),
        tool=random.choice(topic.tools),
        n=random.randint(11, 99),
        m=random.randint(12, 97),
        t=random.randint(20, 400),
        p=round(random.uniform(0.05, 9.9), 2),
    )
