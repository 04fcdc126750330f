"""Tokens with an issuer's prefix, certain enough to be looked for across broken lines."""

from __future__ import annotations

import re
from collections.abc import Callable

from envdoctor.ticket.redact.shape import Shape, always, random_body


def _token(rule: str, pattern: str, *hints: str, check: Callable[[str], bool] = always) -> Shape:
    return Shape(rule=rule, kind="token", pattern=re.compile(pattern), hints=hints, check=check, whole=True)


_B64 = r"[A-Za-z0-9_\-]"

TOKENS: tuple[Shape, ...] = (
    _token("hugging-face", r"(?:hf_|api_org_)[A-Za-z0-9]{24,100}", "hf_", "api_org_", check=random_body),
    _token("openai-like", rf"sk-(?:proj-|svcacct-|admin-|ant-|or-v1-|lf-)?{_B64}{{18,250}}", "sk-", check=random_body),
    _token("github", r"gh[pousr]_[A-Za-z0-9]{30,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", check=random_body),
    _token("github", r"github_pat_[A-Za-z0-9_]{22,255}", "github_pat_"),
    _token(
        "gitlab",
        rf"(?:glpat|gldt|glrt|glptt|glft|glsoat|glcbt|glagent|gloas)-{_B64}{{18,120}}",
        "glpat-",
        "gldt-",
        "glrt-",
        "glptt-",
        "glft-",
        "glsoat-",
        "glcbt-",
        "glagent-",
        "gloas-",
    ),
    _token(
        "aws",
        r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA)[A-Z0-9]{16}",
        "akia",
        "asia",
        "abia",
        "acca",
        "aroa",
        "aida",
        "agpa",
        "anpa",
        "anva",
    ),
    _token("slack", r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}", "xox"),
    _token("slack", r"xapp-[0-9]-[A-Za-z0-9\-]{10,250}", "xapp-"),
    _token("slack", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9_/\-]{16,120})", "hooks.slack"),
    _token("npm", r"npm_[A-Za-z0-9]{30,60}", "npm_", check=random_body),
    _token("package-index", rf"pypi-A{_B64}{{40,400}}", "pypi-a"),
    _token("jwt", rf"eyJ{_B64}{{8,}}\.{_B64}{{4,}}(?:\.{_B64}{{0,}})?", "eyj"),
    _token("google", rf"AIza{_B64}{{30,45}}", "aiza"),
    _token("google", rf"(?:ya29\.|GOCSPX-|1//0){_B64}{{20,400}}", "ya29.", "gocspx-", "1//0"),
    _token("stripe", r"(?:[srp]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,250}", "k_live_", "k_test_", "whsec_"),
    _token("sendgrid", rf"SG\.{_B64}{{16,30}}\.{_B64}{{30,60}}", "sg."),
    _token("nvidia", rf"nvapi-{_B64}{{30,120}}", "nvapi-"),
    _token("groq", r"gsk_[A-Za-z0-9]{30,80}", "gsk_"),
    _token(
        "inference-service",
        r"(?:r8_|xai-|pplx-|fw_|tvly-)[A-Za-z0-9]{24,120}",
        "r8_",
        "xai-",
        "pplx-",
        "fw_",
        "tvly-",
        check=random_body,
    ),
    _token("wandb", r"wandb_v[0-9]_[A-Za-z0-9_]{30,120}", "wandb_v"),
    _token("docker", rf"dckr_(?:pat|oat)_{_B64}{{20,80}}", "dckr_"),
    _token("digitalocean", r"do[opr]_v1_[a-f0-9]{40,80}", "_v1_"),
    _token("telegram", rf"[0-9]{{8,10}}:AA{_B64}{{30,40}}", ":aa"),
    _token("aliyun", r"LTAI[A-Za-z0-9]{12,30}", "ltai"),
    _token("tencent", r"AKID[A-Za-z0-9]{28,40}", "akid"),
    _token("modelscope", r"ms-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ms-"),
    _token("vault", rf"hv[sbr]\.{_B64}{{24,200}}", "hvs.", "hvb.", "hvr."),
    _token("discord", rf"discord(?:app)?\.com/api/webhooks/(?P<s>[0-9]{{10,24}}/{_B64}{{40,100}})", "/api/webhooks/"),
    _token("armour-in-base64", r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,}", "ls0tls1crudjti"),
    _token("age", r"AGE-SECRET-KEY-1[A-Z0-9]{40,80}", "age-secret-key-"),
    _token(
        "shopify-atlassian", r"(?:shp(?:at|ca|pa|ss)_[a-fA-F0-9]{24,64}|ATATT3[A-Za-z0-9_=\-]{40,300})", "shp", "atatt3"
    ),
    Shape(
        rule="gpu-uuid",
        kind="gpu",
        pattern=re.compile(
            r"(?:GPU|MIG"
            r"|MIG-GPU)-[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
            r"(?:/[0-9]{1,3}/[0-9]{1,3})?"
        ),
        hints=("gpu-", "mig-"),
        whole=True,
    ),
)
