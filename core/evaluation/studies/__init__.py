"""What the paper's studies measure and draw: numbers in, numbers and figures out.

What they read and keep is `core.stages.studies`.
"""
