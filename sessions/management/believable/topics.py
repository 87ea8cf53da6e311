"""What made-up research is about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A field: its subjects, what is measured there, what it is measured with, and its tags."""

    field: str
    subjects: tuple[str, ...]
    measures: tuple[str, ...]
    tools: tuple[str, ...]
    tags: tuple[str, ...]


TOPICS = (
    Topic(
        "peatland ecology",
        ("sphagnum recovery", "methane flux", "water-table drawdown", "carbon accumulation", "moss transplants",
         "drainage ditches", "testate amoebae", "heather encroachment"),
        ("net ecosystem exchange", "dissolved organic carbon", "bulk density", "surface albedo", "species richness"),
        ("closed chambers", "eddy covariance towers", "dipwells", "aerial lidar", "peat cores"),
        ("peat", "climate", "field work", "carbon"),
    ),
    Topic(
        "battery chemistry",
        ("sodium-ion cathodes", "silicon anodes", "solid electrolytes", "dendrite growth", "fast charging",
         "calendar ageing", "dry electrode coating", "manganese dissolution"),
        ("coulombic efficiency", "areal capacity", "interfacial resistance", "cycle life", "gas evolution"),
        ("impedance spectroscopy", "operando X-ray diffraction", "coin cells", "cryo-electron microscopy", "a cycler"),
        ("batteries", "materials", "lab", "energy"),
    ),
    Topic(
        "language models",
        ("retrieval augmentation", "long-context recall", "tokeniser fairness", "instruction tuning", "tool use",
         "evaluation leakage", "quantisation error", "speculative decoding"),
        ("exact match", "perplexity", "calibration error", "tokens a second", "judge agreement"),
        ("a held-out benchmark", "ablations", "human raters", "a small proxy model", "bootstrap resampling"),
        ("llm", "evaluation", "nlp", "ml"),
    ),
    Topic(
        "urban transport",
        ("bus lane enforcement", "cycle superhighways", "demand-responsive shuttles", "parking pricing", "night trains",
         "school streets", "freight consolidation", "junction redesign"),
        ("modal share", "headway regularity", "journey time", "collision rate", "kerbside occupancy"),
        ("smart-card records", "loop detectors", "travel diaries", "agent-based simulation", "video counts"),
        ("transport", "cities", "policy", "gis"),
    ),
    Topic(
        "medieval trade",
        ("Hanseatic tolls", "wool customs accounts", "salt routes", "guild charters", "amber finds",
         "Venetian galleys", "coin hoards", "harbour dues"),
        ("price dispersion", "tonnage", "debasement", "number of merchants", "sailing days"),
        ("the customs rolls", "network analysis", "dendrochronology", "letter collections", "a gazetteer"),
        ("history", "archives", "economics", "sources"),
    ),
    Topic(
        "protein design",
        ("de novo binders", "enzyme thermostability", "antibody humanisation", "beta barrels", "allosteric switches",
         "membrane insertion", "peptide macrocycles", "metal coordination"),
        ("binding affinity", "melting temperature", "expression yield", "pLDDT", "aggregation propensity"),
        ("yeast display", "molecular dynamics", "deep mutational scanning", "a diffusion model", "size-exclusion runs"),
        ("proteins", "biology", "structure", "wet lab"),
    ),
    Topic(
        "distributed databases",
        ("follower reads", "clock skew", "write amplification", "range splits", "lease hand-over",
         "secondary index backfills", "hot partitions", "snapshot isolation anomalies"),
        ("tail latency", "commit throughput", "replication lag", "compaction debt", "abort rate"),
        ("a Jepsen-style harness", "flame graphs", "deterministic simulation", "trace replay", "fault injection"),
        ("databases", "systems", "performance", "ops"),
    ),
    Topic(
        "sleep and memory",
        ("slow oscillations", "targeted reactivation", "napping in shift workers", "spindle density", "dream recall",
         "sleep restriction", "ageing and consolidation", "motor sequence learning"),
        ("recall accuracy", "spindle amplitude", "reaction time", "sleep efficiency", "forgetting rate"),
        ("polysomnography", "a paired-associates task", "actigraphy", "mixed-effects models", "sleep diaries"),
        ("sleep", "neuroscience", "cognition", "statistics"),
    ),
    Topic(
        "coral reefs",
        ("heat-tolerant symbionts", "larval settlement", "reef soundscapes", "starfish outbreaks", "micro-fragments",
         "turbidity plumes", "bleaching forecasts", "herbivore recovery"),
        ("degree heating weeks", "coral cover", "recruit density", "chlorophyll fluorescence", "fish biomass"),
        ("photogrammetry", "settlement tiles", "satellite temperatures", "environmental DNA", "tow surveys"),
        ("oceans", "climate", "field work", "conservation"),
    ),
    Topic(
        "public health",
        ("wastewater surveillance", "vaccine hesitancy", "heat-health alerts", "antibiotic stewardship", "school meals",
         "air-quality interventions", "care home outbreaks", "screening uptake"),
        ("incidence", "years of life lost", "uptake", "effective reproduction number", "cost per case averted"),
        ("interrupted time series", "a registry linkage", "sentinel clinics", "focus groups", "a compartmental model"),
        ("health", "epidemiology", "policy", "statistics"),
    ),
)  # fmt: skip

MODELS = (
    "claude-sonnet-4-5", "gpt-5.1", "llama3.3:70b", "qwen3-coder:30b", "mistral-large-latest", "gemma3:27b",
    "deepseek-r1:32b", "",
)  # fmt: skip

OWN_TAGS = (
    "thesis",
    "draft",
    "urgent",
    "reading group",
    "to review",
    "grant 2026",
    "negative result",
    "replication",
    "überblick",
)
