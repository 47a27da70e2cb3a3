"""What the rooms are given to keep confidences out of what is stored, as the product wires it."""

from bot.conversation.confidential import ClientKeys, Confidential
from security.privacy.confidences import mask_confidences
from security.privacy.masking_urls import mask_url

CONFIDENTIAL = Confidential(ClientKeys("of the tests"), mask_url, mask_confidences)
