"""Loaders, text, latents and sampling: the nodes of a Wan 2.2 graph, without a GPU."""

from typing import Any

from comfy_widgets.demo.context import Context, Preview
from comfy_widgets.demo.nodes.base import Node, choice, integer, link, number, takes, text
from comfy_widgets.demo.nodes.values import Conditioning, Latent, Model
from comfy_widgets.demo.render import encode
from comfy_widgets.demo.render.landscape import Landscape
from comfy_widgets.demo.render.pictures import Noisy, Still

#: The files that the server claims to have, by folder.
FILES: dict[str, tuple[str, ...]] = {
    "checkpoints": ("sd_xl_base_1.0.safetensors", "v1-5-pruned-emaonly-fp16.safetensors"),
    "diffusion_models": (
        "wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors",
        "wan2.2_i2v_low_noise_14B_fp8_scaled.safetensors",
        "wan2.2_ti2v_5B_fp16.safetensors",
    ),
    "text_encoders": ("clip_l.safetensors", "umt5_xxl_fp8_e4m3fn_scaled.safetensors"),
    "vae": ("wan2.2_vae.safetensors", "wan_2.1_vae.safetensors"),
    "loras": ("wan2.2_lightning_4steps.safetensors",),
    "embeddings": (),
}

# fmt: off
SAMPLERS = (
    "euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2", "dpm_2", "dpm_2_ancestral",
    "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde", "dpmpp_sde_gpu",
    "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm", "ipndm", "ipndm_v", "deis", "res_multistep",
    "res_multistep_cfg_pp", "res_multistep_ancestral", "res_multistep_ancestral_cfg_pp", "gradient_estimation",
    "gradient_estimation_cfg_pp", "er_sde", "seeds_2", "seeds_3", "sa_solver", "sa_solver_pece", "ddim", "uni_pc",
    "uni_pc_bh2",
)
SCHEDULERS = (
    "simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic",
    "kl_optimal",
)
CLIP_TYPES = (
    "stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi", "ltxv", "pixart", "cosmos", "lumina2", "wan",
    "hidream", "chroma", "ace", "omnigen2", "qwen_image", "hunyuan_image",
)
# fmt: on
WEIGHTS = ("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2")
LARGEST_SEED = 2**64 - 1
PREVIEW_WIDTH = 384


class UNETLoader(Node):
    """Names a diffusion model."""

    title = "Load Diffusion Model"
    category = "advanced/loaders"
    required = takes(unet_name=choice(*FILES["diffusion_models"]), weight_dtype=choice(*WEIGHTS))
    outputs = ("MODEL",)

    def run(self, ctx: Context, unet_name: str, **_: Any) -> tuple[Model]:
        """Give the model's name."""
        del ctx
        return (Model("model", unet_name),)


class CLIPLoader(Node):
    """Names a text encoder."""

    title = "Load CLIP"
    category = "advanced/loaders"
    required = takes(clip_name=choice(*FILES["text_encoders"]), type=choice(*CLIP_TYPES))
    optional = takes(device=choice("default", "cpu", advanced=True))
    outputs = ("CLIP",)

    def run(self, ctx: Context, clip_name: str, **_: Any) -> tuple[Model]:
        """Give the encoder's name."""
        del ctx
        return (Model("clip", clip_name),)


class VAELoader(Node):
    """Names a VAE."""

    title = "Load VAE"
    category = "loaders"
    required = takes(vae_name=choice(*FILES["vae"], "pixel_space"))
    outputs = ("VAE",)

    def run(self, ctx: Context, vae_name: str) -> tuple[Model]:
        """Give the VAE's name."""
        del ctx
        return (Model("vae", vae_name),)


class CheckpointLoaderSimple(Node):
    """Names a checkpoint."""

    title = "Load Checkpoint"
    category = "loaders"
    required = takes(ckpt_name=choice(*FILES["checkpoints"], tooltip="The checkpoint's file."))
    outputs = ("MODEL", "CLIP", "VAE")
    output_tips = ("Denoises latents.", "Encodes text.", "Turns pictures into latents and back.")

    def run(self, ctx: Context, ckpt_name: str) -> tuple[Model, Model, Model]:
        """Give its three parts by name."""
        del ctx
        return Model("model", ckpt_name), Model("clip", ckpt_name), Model("vae", ckpt_name)


class LoraLoaderModelOnly(Node):
    """Names a LoRA on top of a model."""

    title = "LoraLoaderModelOnly"
    category = "loaders"
    required = takes(
        model=link("MODEL"),
        lora_name=choice(*FILES["loras"]),
        strength_model=number(1.0, -100.0, 100.0, step=0.01),
    )
    outputs = ("MODEL",)
    output_tips = ("The model with the LoRA in it.",)

    def run(self, ctx: Context, model: Model, lora_name: str, strength_model: float) -> tuple[Model]:
        """Give the model's name with the LoRA's."""
        del ctx
        return (Model("model", f"{model.name} + {lora_name} @ {strength_model}"),)


class ModelSamplingSD3(Node):
    """Shifts the sampling; the simulated picture does not depend on it."""

    title = "ModelSamplingSD3"
    category = "advanced/model"
    module = "comfy_extras.nodes_model_advanced"
    required = takes(model=link("MODEL"), shift=number(3.0, 0.0, 100.0, step=0.01))
    outputs = ("MODEL",)

    def run(self, ctx: Context, model: Model, shift: float) -> tuple[Model]:
        """Pass the model on."""
        del ctx, shift
        return (model,)


class CLIPTextEncode(Node):
    """Keeps a text for the sampler."""

    title = "CLIP Text Encode (Prompt)"
    category = "conditioning"
    required = takes(text=text(multiline=True, dynamicPrompts=True), clip=link("CLIP"))
    outputs = ("CONDITIONING",)
    output_tips = ("What the picture shall follow.",)

    def run(self, ctx: Context, text: str, clip: Model) -> tuple[Conditioning]:
        """Give the text."""
        del ctx, clip
        return (Conditioning(text),)


class EmptyLatentImage(Node):
    """Room for pictures."""

    title = "Empty Latent Image"
    category = "latent"
    required = takes(
        width=integer(512, 16, 16384, step=8),
        height=integer(512, 16, 16384, step=8),
        batch_size=integer(1, 1, 4096),
    )
    outputs = ("LATENT",)
    output_tips = ("The empty latents.",)

    def run(self, ctx: Context, width: int, height: int, batch_size: int) -> tuple[Latent]:
        """Give the room."""
        del ctx
        return (Latent(width, height, batch_size),)


class EmptyHunyuanLatentVideo(Node):
    """Room for a clip."""

    title = "EmptyHunyuanLatentVideo"
    category = "latent/video"
    module = "comfy_extras.nodes_hunyuan"
    required = takes(
        width=integer(848, 16, 16384, step=16),
        height=integer(480, 16, 16384, step=16),
        length=integer(25, 1, 16384, step=4),
        batch_size=integer(1, 1, 4096),
    )
    outputs = ("LATENT",)

    def run(self, ctx: Context, width: int, height: int, length: int, batch_size: int) -> tuple[Latent]:
        """Give the room."""
        del ctx
        return (Latent(width, height, length * batch_size),)


class Wan22ImageToVideoLatent(Node):
    """Room for a clip, maybe with the picture that it begins with."""

    category = "conditioning/inpaint"
    module = "comfy_extras.nodes_wan"
    v3 = True
    required = takes(
        vae=link("VAE"),
        width=integer(1280, 32, 16384, step=32),
        height=integer(704, 32, 16384, step=32),
        length=integer(49, 1, 16384, step=4),
        batch_size=integer(1, 1, 4096),
    )
    optional = takes(start_image=link("IMAGE"))
    outputs = ("LATENT",)

    def run(
        self,
        ctx: Context,
        *,
        vae: Model,
        width: int,
        height: int,
        length: int,
        batch_size: int,
        start_image: Any = None,
    ) -> tuple[Latent]:
        """Give the room; as the real node does, in whole blocks of four frames and one."""
        del ctx, vae
        frames = (length - 1) // 4 * 4 + 1
        return (Latent(width // 32 * 32, height // 32 * 32, frames * batch_size, start_image),)


class KSampler(Node):
    """Takes its time, shows a picture coming out of noise, and gives a landscape."""

    title = "KSampler"
    category = "sampling"
    required = takes(
        model=link("MODEL"),
        seed=integer(0, 0, LARGEST_SEED, control_after_generate=True),
        steps=integer(20, 1, 10000),
        cfg=number(8.0, 0.0, 100.0, step=0.1, round=0.01),
        sampler_name=choice(*SAMPLERS),
        scheduler=choice(*SCHEDULERS),
        positive=link("CONDITIONING"),
        negative=link("CONDITIONING"),
        latent_image=link("LATENT"),
        denoise=number(1.0, 0.0, 1.0, step=0.01),
    )
    outputs = ("LATENT",)
    output_tips = ("The sampled latents.",)

    async def run(self, ctx: Context, steps: int, seed: int, **inputs: Any) -> tuple[Latent]:
        """Sample step by step."""
        latent: Latent = inputs["latent_image"].sampled(inputs["positive"], inputs["negative"], seed)
        if latent.scene is None:
            raise TypeError("sampling gave no picture")
        emerging = Emerging(latent.scene)
        for step in range(1, steps + 1):
            await ctx.sleep(ctx.world.settings.step_seconds)
            preview = Preview(await ctx.thread(emerging.at, step / steps)) if ctx.previews else None
            await ctx.progress(step, steps, preview)
        return (latent,)


class VAEDecode(Node):
    """Gives a latent's pictures."""

    title = "VAE Decode"
    category = "latent"
    required = takes(samples=link("LATENT"), vae=link("VAE"))
    outputs = ("IMAGE",)
    output_tips = ("The pictures.",)

    def run(self, ctx: Context, samples: Latent, vae: Model) -> tuple[Any]:
        """Give the pictures; of a latent that nobody sampled, an empty landscape."""
        del ctx, vae
        return (samples.scene or Landscape("", "", 0, samples.width, samples.height, samples.count),)


class Emerging:
    """Previews of a landscape that comes out of noise.

    Parameters
    ----------
    scene
        The landscape; it is painted once, when the first preview is asked for.
    """

    def __init__(self, scene: Landscape) -> None:
        self._seed = scene.seed
        self._small = scene.small(min(PREVIEW_WIDTH, scene.width))
        self._still: Still | None = None

    def at(self, share: float) -> bytes:
        """A JPEG of the landscape that came so far out of the noise."""
        self._still = self._still or Still(next(iter(self._small.frames())))
        noisy = Noisy(self._still, self._seed, 0.95 * (1 - share) ** 1.5) if share < 1 else self._still
        return encode.jpeg(next(iter(noisy.frames())), 4 + int(8 * (1 - share)))
