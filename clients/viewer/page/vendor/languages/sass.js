import{a as e}from"../shared-ND4L23LW.js";import"../shared-ASV3UDQV.js";import"../shared-VS3LFQ2I.js";import"../shared-SHMUWWUZ.js";var r=()=>e({indented:!0});export{r as default};
