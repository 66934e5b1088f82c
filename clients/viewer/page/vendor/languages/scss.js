import{a as o}from"../shared-ND4L23LW.js";import"../shared-ASV3UDQV.js";import"../shared-VS3LFQ2I.js";import"../shared-SHMUWWUZ.js";var s=()=>o();export{s as default};
