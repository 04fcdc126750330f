"""The NVIDIA driver and its GPUs: NVML, nvidia-smi, procfs and sysfs, each asked on its own and then compared."""
